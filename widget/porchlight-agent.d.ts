/*
 * Types of porchlight-agent.js, which is a plain script with two globals:
 *
 *   /// <reference path="./porchlight-agent.d.ts" />
 *
 * Times are ISO 8601 in UTC, with milliseconds.
 */

declare namespace PorchlightAgent {
  /** As it is to be shown. none: this conversation has no presence. */
  type Status = 'online' | 'away' | 'offline' | 'none' | 'unknown';

  /** How the client itself is. */
  type State = 'new' | 'live' | 'lost' | 'unauthenticated' | 'closed';

  interface Presence {
    readonly conversationId: string;
    /** The customer's; null where it is not known. */
    readonly name: string | null;
    /** WIDGET, FACEBOOK, INSTAGRAM, … */
    readonly platform: string | null;
    readonly supported: boolean;
    readonly isOnline: boolean;
    readonly status: Status;
    /** Tabs that are live. */
    readonly connections: number;
    /** Browsers or devices that are live. */
    readonly devices: number;
    readonly onlineSince: string | null;
    /** Stays when he has left: last seen. */
    readonly lastHeartbeat: string | null;
    readonly expiresAt: string | null;
    readonly typing: boolean;
    /** Not this agent's to see, or deleted. */
    readonly forbidden?: true;
  }

  type EventName =
    'customer:online' | 'customer:heartbeat' | 'customer:offline';

  /** An event of the stream, as the server sent it. */
  interface CustomerEvent {
    readonly event: EventName;
    readonly conversationId: string;
    readonly sessionId: string;
    readonly timestamp: string;
    readonly isOnline: boolean;
    readonly status: 'online' | 'away' | 'offline';
    readonly connections: number;
    readonly expiresAt: string | null;
    /** Of heartbeats. */
    readonly typing?: boolean;
    /** Of offline. */
    readonly reason?: 'left' | 'timeout';
  }

  /** event: what brought the change; null: a look at the whole, or time. */
  type Callback = (presence: Presence, event: CustomerEvent | null) => void;

  interface AgentOptions {
    /** Of the API; without: api/ beside the script. */
    endpoint?: string;
    /** Without one the session cookie counts. */
    token?: string;
    /** Who it is, where a cookie of the host application says so. */
    agent?: string;
    /** The poll's name at the server; without: one is made up. */
    client?: string;
  }

  /** What a promise of the client is rejected with. */
  interface RequestError extends Error {
    /** Of the answer; 0: there was none. */
    readonly status: number;
    /** The API's, or network. */
    readonly code: string;
    readonly retryAfterMs?: number;
  }

  interface AgentEventMap {
    'customer:online': Event & { readonly detail: CustomerEvent };
    'customer:heartbeat': Event & { readonly detail: CustomerEvent };
    'customer:offline': Event & { readonly detail: CustomerEvent };
    'state': Event & { readonly detail: { readonly state: State } };
    'unauthenticated': Event;
  }

  /** {time} is put in by Intl, {count} is a number. */
  interface Strings {
    online: string;
    away: string;
    offline: string;
    unknown: string;
    typing: string;
    since: string;
    devices: string;
    seen: string;
    now: string;
    /** By platform: WIDGET, FACEBOOK, … */
    [platform: string]: string;
  }
}

declare class PorchlightAgent extends EventTarget {
  /** The client of those elements that were not given one. */
  static default: PorchlightAgent | null;

  constructor(options?: PorchlightAgent.AgentOptions);

  readonly endpoint: string;
  readonly state: PorchlightAgent.State;
  /** May be set anew, for a JWT that runs out. */
  token: string | null;

  /** Calls back with each change of one conversation, until it is ended. */
  watch(conversationId: string, callback: PorchlightAgent.Callback): () => void;

  /** The same for every conversation that is online now or comes later. */
  all(callback: PorchlightAgent.Callback): () => void;

  /** Asks the server now; in the order of the ids. */
  presence(conversationIds: readonly string[]): Promise<PorchlightAgent.Presence[]>;

  /** Swaps a token for the session cookie, in all tabs. */
  signIn(token: string): Promise<void>;

  /** Ends the session, in all tabs. */
  signOut(): Promise<void>;

  /** The server's time, in ms since 1970. */
  now(): number;

  /** Ends all watching. */
  close(): void;

  addEventListener<K extends keyof PorchlightAgent.AgentEventMap>(type: K,
    listener: (event: PorchlightAgent.AgentEventMap[K]) => void,
    options?: boolean | AddEventListenerOptions): void;
  removeEventListener<K extends keyof PorchlightAgent.AgentEventMap>(type: K,
    listener: (event: PorchlightAgent.AgentEventMap[K]) => void,
    options?: boolean | EventListenerOptions): void;
}

/** <porchlight-status conversation="…" live>: dot, name and line. */
declare class PorchlightStatus extends HTMLElement {
  /** Those that are not given stay in English. */
  static get strings(): PorchlightAgent.Strings;
  static set strings(some: Partial<PorchlightAgent.Strings>);

  /** Without one of its own: PorchlightAgent.default. */
  get agent(): PorchlightAgent | null;
  set agent(agent: PorchlightAgent | null);
}

interface Window {
  PorchlightAgent: typeof PorchlightAgent;
  PorchlightStatus: typeof PorchlightStatus;
}

interface HTMLElementTagNameMap {
  'porchlight-status': PorchlightStatus;
}
