// A page's use of the widget, for the compiler to read and nobody to run: what
// is right must compile, and what is marked must not.

/// <reference path="../../widget/porchlight-widget.d.ts" />

async function form(): Promise<void> {
  const started: boolean = await Porchlight.start({ name: 'Ada', email: 'ada@example.org' });
  if (!started)
    return;
  Porchlight.typing();
  Porchlight.typing(false);
  const { conversationId, status, seq } = Porchlight.status();
  const where: string | undefined = conversationId;
  const away: boolean = status === 'away';
  const sent: number = seq;
  console.log(where, away, sent);
  Porchlight.destroy();
}

Porchlight.connect({ conversationId: 'conv_123', sessionId: 'secret' });
Porchlight.connect({ conversationId: 'conv_123', sessionId: 'secret', endpoint: '/api/' });
window.Porchlight?.typing();
document.addEventListener('porchlight:online', (event) => {
  const here: 'online' | 'away' = event.detail.status;
  console.log(event.detail.conversationId, here);
});
document.addEventListener('porchlight:offline', ({ detail }) => detail.reason === 'lost');
document.addEventListener('porchlight:error', ({ detail }) => detail.status === 403);
void form();

// @ts-expect-error: both ids are needed
Porchlight.connect({ conversationId: 'conv_123' });
// @ts-expect-error: no such status
if (Porchlight.status().status === 'unknown')
  Porchlight.destroy();
// @ts-expect-error: status() has no secret
Porchlight.status().sessionId;
// @ts-expect-error: the script may not have run yet
window.Porchlight.typing();
// @ts-expect-error: no such reason
document.addEventListener('porchlight:offline', ({ detail }) => detail.reason === 'gone');
