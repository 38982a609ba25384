// Types of porchlight-widget.js, the customer's page. README.md in this folder
// says what each does.
//
//   /// <reference path="porchlight-widget.d.ts" />

interface PorchlightConversation {
  conversationId: string;
  sessionId: string;
}

interface PorchlightConnectOptions extends PorchlightConversation {
  /** Where the API is; a relative one is beside the script. */
  endpoint?: string;
}

interface PorchlightForm {
  name?: string;
  email?: string;
}

/** What the widget knows, for debugging. Further members may come and go. */
interface PorchlightWidgetStatus {
  readonly conversationId?: string;
  readonly siteKey: string;
  readonly endpoint: string;
  readonly tabId: string;
  /** Messages sent since the page was loaded. */
  readonly seq: number;
  readonly status: 'online' | 'away' | 'offline';
  readonly heartbeatIntervalMs: number;
  readonly leaseMs: number;
  /** Beats that failed since the last good one. */
  readonly failures?: number;
  readonly retryAfterMs?: number;
  /** ISO 8601, of the last answer. */
  readonly serverTime?: string;
}

interface PorchlightWidget {
  /** Sends the first form; false if that failed. Never rejected. */
  start(form?: PorchlightForm): Promise<boolean>;
  connect(options: PorchlightConnectOptions): void;
  /** To be called at every key; false: no longer. */
  typing(on?: boolean): void;
  status(): PorchlightWidgetStatus;
  /** Leaves. start() and connect() begin anew. */
  destroy(): void;
}

interface PorchlightOnlineDetail {
  readonly conversationId: string;
  readonly status: 'online' | 'away';
}

interface PorchlightHeartbeatDetail {
  readonly conversationId: string;
}

interface PorchlightOfflineDetail {
  readonly conversationId: string;
  readonly reason: 'left' | 'lost';
}

interface PorchlightErrorDetail {
  /** The API's code, `network`, or `bad_request` of connect() itself. */
  readonly error: string;
  /** HTTP; 0 where there was no answer. */
  readonly status: number;
}

interface DocumentEventMap {
  'porchlight:online': CustomEvent<PorchlightOnlineDetail>;
  'porchlight:heartbeat': CustomEvent<PorchlightHeartbeatDetail>;
  'porchlight:offline': CustomEvent<PorchlightOfflineDetail>;
  'porchlight:error': CustomEvent<PorchlightErrorDetail>;
}

interface Window {
  /** Undefined until the script has run. */
  readonly Porchlight?: PorchlightWidget;
}

declare const Porchlight: PorchlightWidget;
