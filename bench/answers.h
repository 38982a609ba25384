#ifndef PL_BENCH_ANSWERS_H
#define PL_BENCH_ANSWERS_H

/* What Porchlight answers, byte for byte as long, for the floors to say. */
#define ANSWER_HEAD                                                            \
	"Content-Type: application/json\r\n"                                   \
	"Cache-Control: no-store\r\n"                                          \
	"X-Content-Type-Options: nosniff\r\n"                                  \
	"Content-Security-Policy: default-src 'none'; "                        \
	"frame-ancestors 'none'\r\n"                                           \
	"Referrer-Policy: no-referrer\r\n"                                     \
	"Vary: Origin\r\n"

/* To a beat. */
#define ANSWER_BEAT                                                            \
	"{\"ok\":true,\"status\":\"online\",\"leaseMs\":60000,"                \
	"\"heartbeatIntervalMs\":30000,"                                       \
	"\"serverTime\":\"2026-01-01T00:00:00.000Z\"}"
#define ANSWER_BEAT_LENGTH "113"

/* To a poll that is told of one beat; %s: the conversation. */
#define ANSWER_EVENT                                                           \
	"{\"cursor\":\"00000000000000000000000000000000\","                    \
	"\"serverTime\":\"2026-01-01T00:00:00.000Z\",\"events\":["             \
	"{\"event\":\"customer:heartbeat\",\"conversationId\":\"%s\","         \
	"\"sessionId\":\"00000000000000000000000000000000\","                  \
	"\"timestamp\":\"2026-01-01T00:00:00.000Z\",\"isOnline\":true,"        \
	"\"status\":\"online\",\"connections\":1,"                             \
	"\"expiresAt\":\"2026-01-01T00:00:00.000Z\",\"typing\":false}]}"

#endif
