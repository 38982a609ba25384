// The types of porchlight-agent.js in use. It is compiled, not run: what is
// right must compile, and each line after @ts-expect-error must not.

/// <reference path="../../widget/porchlight-agent.d.ts" />

const agent = new PorchlightAgent({ endpoint: '/api', token: 'pla_…' });
PorchlightAgent.default = agent;
new PorchlightAgent();

const unwatch: () => void = agent.watch('conv_123', (presence, event) => {
  const seen: string | null = presence.lastHeartbeat;
  const here: boolean = presence.isOnline && presence.devices > 1;
  const why: 'left' | 'timeout' | undefined = event?.reason;

  switch (presence.status) {
    case 'online': case 'away': case 'offline': case 'none': case 'unknown':
      break;
    default: {
      const never: never = presence.status;
      void never;
    }
  }
  void [seen, here, why];
  // @ts-expect-error: it is the server's to change
  presence.typing = true;
});
unwatch();
agent.all(() => {})();
agent.addEventListener('customer:offline', (e) => e.detail.reason === 'timeout');
agent.addEventListener('state', (e) => e.detail.state === 'lost');
agent.addEventListener('unauthenticated', () => location.reload());
agent.token = null;
const since: number = agent.now();

async function ask(): Promise<string[]> {
  try {
    await agent.signIn('pla_…');
  } catch (e) {
    if ((e as PorchlightAgent.RequestError).status === 401)
      await agent.signOut();
  }
  return (await agent.presence(['a', 'b'])).map((p) => p.conversationId);
}

const element = document.createElement('porchlight-status');
element.agent = agent;
element.setAttribute('conversation', 'conv_123');
PorchlightStatus.strings = { online: 'En ligne', WIDGET: 'Chat' };
const word: string = PorchlightStatus.strings.online;
agent.close();
void [ask, since, word];

// @ts-expect-error: an id is text
agent.watch(123, () => {});
// @ts-expect-error: many ids are a list
agent.presence('conv_123');
// @ts-expect-error: it is read only
agent.state = 'live';
// @ts-expect-error: there is no such option
new PorchlightAgent({ url: '/api' });
// @ts-expect-error: there is no such event
agent.addEventListener('customer:gone', () => {});
// @ts-expect-error: a word is text
PorchlightStatus.strings = { online: 1 };
