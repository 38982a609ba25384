<?php
// The PHP program that is measured: Porchlight's HTTP contract, as far as it is
// measured, as one writes it for a shared host with PHP and SQLite.
//
//   POST /api/conversations      the host application makes a conversation
//   POST /api/widget/heartbeat   a customer's beat: one upsert
//   GET /api/widget/presence     is a conversation online?
//   GET /api/widget/events       long poll: sleeps and looks, till there is something
//
// Nobody can wake a process that sleeps, so it looks four times a second. The
// cursor is the time of the last beat that was told.
//
// The connection is kept from one request to the next, as the manual says of
// those to a database (php.net/manual/en/pdo.connections.php), and a writer
// waits its turn instead of failing.

declare(strict_types=1);

const LOOK_EVERY_US = 250_000;
const LONGEST_POLL_S = 55;
define('WINDOW_US', 1000 * (int) ($_SERVER['WINDOW_MS'] ?? 60000));

function db(): PDO
{
    static $db;
    if (!$db) {
        $db = new PDO('sqlite:' . $_SERVER['DB'], null, null, [
            PDO::ATTR_PERSISTENT => true,
            PDO::ATTR_TIMEOUT => 5, // busy_timeout, in seconds
        ]);
        $db->exec('PRAGMA synchronous = NORMAL');
    }
    return $db;
}

function run(string $sql, array $values): PDOStatement
{
    $statement = db()->prepare($sql);
    $statement->execute($values);
    return $statement;
}

function now(): int
{
    return (int) (microtime(true) * 1e6);
}

function iso(?int $us): ?string
{
    return $us === null ? null : gmdate('Y-m-d\TH:i:s', intdiv($us, 1_000_000)) . sprintf('.%03dZ', intdiv($us, 1000) % 1000);
}

function answer(int $status, array $value): void
{
    http_response_code($status);
    header('Content-Type: application/json');
    header('Cache-Control: no-store');
    echo json_encode($value, JSON_UNESCAPED_SLASHES);
}

function mustBe(string $token): bool
{
    if (($_SERVER['HTTP_AUTHORIZATION'] ?? '') === "Bearer $token")
        return true;
    answer(401, ['error' => 'unauthorized']);
    return false;
}

function heartbeat(): void
{
    $body = json_decode(file_get_contents('php://input'), true);
    $now = now();
    $written = run('
        INSERT INTO tabs SELECT id, :tab, conversation_id, :now, :now
        FROM sessions WHERE id = :session AND conversation_id = :conversation
        ON CONFLICT (session_id, tab_id) DO UPDATE SET
            online_since = iif(last_beat > :end, online_since, excluded.online_since),
            last_beat = excluded.last_beat',
        [
            'session' => $body['sessionId'] ?? '', 'conversation' => $body['conversationId'] ?? '',
            'tab' => $body['tabId'] ?? '', 'now' => $now, 'end' => $now - WINDOW_US,
        ])->rowCount();
    if ($written === 0)
        answer(403, ['error' => 'forbidden']);
    else
        answer(200, [
            'ok' => true, 'status' => 'online', 'leaseMs' => intdiv(WINDOW_US, 1000),
            'heartbeatIntervalMs' => 30000, 'serverTime' => iso($now),
        ]);
}

/** How many of its tabs are live, and when it was last heard of. */
function live(string $conversation, int $now): array
{
    return run('
        SELECT count(*) AS tabs, max(last_beat) AS last FROM tabs
        WHERE conversation_id = ? AND last_beat > ?',
        [$conversation, $now - WINDOW_US])->fetch(PDO::FETCH_ASSOC);
}

function presence(): void
{
    $conversation = $_GET['conversationId'] ?? '';
    $now = now();
    $live = live($conversation, $now);
    answer(200, [
        'conversationId' => $conversation, 'isOnline' => $live['tabs'] > 0,
        'status' => $live['tabs'] > 0 ? 'online' : 'offline', 'lastHeartbeat' => iso($live['last']),
        'socketsInRoom' => $live['tabs'], 'serverTime' => iso($now), 'cursor' => (string) ($live['last'] ?? $now),
    ]);
}

/** What happened to a conversation after the cursor: who beat, and who fell silent. */
function news(string $conversation, int $cursor, int $now): array
{
    return run("
        SELECT last_beat AS at, session_id AS session,
            iif(online_since = last_beat, 'customer:online', 'customer:heartbeat') AS event
        FROM tabs WHERE conversation_id = :conversation AND last_beat > :cursor
        UNION ALL
        SELECT last_beat + :window, session_id, 'customer:offline'
        FROM tabs WHERE conversation_id = :conversation
            AND last_beat > :cursor - :window AND last_beat <= :now - :window
        ORDER BY 1",
        [
            'conversation' => $conversation, 'cursor' => $cursor, 'now' => $now, 'window' => WINDOW_US,
        ])->fetchAll(PDO::FETCH_ASSOC);
}

function events(): void
{
    $conversation = $_GET['conversationId'] ?? '';
    $now = now();
    $cursor = (int) ($_GET['cursor'] ?? $now);
    $end = $now + min((int) ($_GET['timeout'] ?? 20), LONGEST_POLL_S) * 1_000_000;
    while (!($rows = news($conversation, $cursor, $now)) && $now < $end) {
        usleep(LOOK_EVERY_US);
        $now = now();
    }
    $tabs = live($conversation, $now)['tabs'];
    answer(200, [
        'cursor' => (string) ($rows ? end($rows)['at'] : $cursor), 'serverTime' => iso($now),
        'events' => array_map(fn ($row) => [
            'event' => $row['event'], 'conversationId' => $conversation, 'sessionId' => $row['session'],
            'timestamp' => iso($row['at']), 'isOnline' => $tabs > 0,
            'status' => $tabs > 0 ? 'online' : 'offline', 'connections' => $tabs,
        ], $rows),
    ]);
}

function addConversation(): void
{
    $made = ['conversationId' => 'conv_' . bin2hex(random_bytes(12)), 'sessionId' => bin2hex(random_bytes(16))];
    run('INSERT INTO sessions VALUES (:sessionId, :conversationId)', $made);
    answer(201, $made);
}

function online(): void
{
    echo run('SELECT count(DISTINCT conversation_id) FROM tabs WHERE last_beat > ?',
        [now() - WINDOW_US])->fetchColumn();
}

match ($_SERVER['REQUEST_METHOD'] . ' ' . strtok($_SERVER['REQUEST_URI'], '?')) {
    'POST /api/widget/heartbeat' => heartbeat(),
    'GET /api/widget/presence' => mustBe($_SERVER['AGENT_TOKEN']) && presence(),
    'GET /api/widget/events' => mustBe($_SERVER['AGENT_TOKEN']) && events(),
    'POST /api/conversations' => mustBe($_SERVER['API_KEY']) && addConversation(),
    'GET /online' => online(),
    default => answer(404, ['error' => 'not_found']),
};
