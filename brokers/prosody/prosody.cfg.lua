-- Prosody as a bus for `unstale`. Used as it is by docker-compose.yml and by the native launcher; what differs
-- between the two comes in through environment variables (Prosody reads ENV_NAME from $NAME).

local function number_of(text, otherwise)
	return text and tonumber(text) or otherwise
end

local data = ENV_UNSTALE_DATA or "/var/lib/prosody"
local listen = { ENV_UNSTALE_INTERFACE or "*" }
local certificate = ENV_UNSTALE_TLS_CERT
local tls = certificate and {
	certificate = certificate;
	key = ENV_UNSTALE_TLS_KEY;
} or nil

daemonize = false
run_as_root = ENV_UNSTALE_RUN_AS_ROOT == "yes"
data_path = data
pidfile = data .. "/prosody.pid"
admin_socket = data .. "/prosody.sock"
plugin_paths = {}
-- Where Prosody looks for certificates by itself. Ours are named below, so this folder stays empty.
certificates = ENV_UNSTALE_CERTIFICATES or "/etc/prosody/certs"
log = { { levels = { min = ENV_UNSTALE_LOG_LEVEL or "info" }; to = "console" } }

interfaces = listen
c2s_ports = { number_of(ENV_UNSTALE_C2S_PORT, 5222) }
c2s_direct_tls_ports = certificate and { number_of(ENV_UNSTALE_C2S_TLS_PORT, 5223) } or {}
http_ports = { number_of(ENV_UNSTALE_HTTP_PORT, 5280) }
http_interfaces = listen
https_ports = certificate and { number_of(ENV_UNSTALE_HTTPS_PORT, 5281) } or {}
https_interfaces = listen
ssl = tls
c2s_direct_tls_ssl = tls
https_ssl = tls
http_default_host = "localhost"

modules_enabled = {
	"saslauth"; -- SCRAM
	certificate and "tls" or "saslauth"; -- STARTTLS; without a certificate it would be offered and fail
	"disco"; -- service discovery: is there a chat service, is this a room
	"ping"; -- XEP-0199
	"smacks"; -- XEP-0198: a short cut loses nothing
	"websocket"; -- RFC 7395
	"roster";
	"admin_shell"; -- `prosodyctl shell`
	"posix";
	-- Only when a rate is asked for: its default (10 kB/s for a client) stops a busy publisher.
	ENV_UNSTALE_LIMIT_RATE and "limits" or nil;
}
modules_disabled = { "s2s", "s2s_auth_certs", "offline", certificate and "s2s" or "tls" }
limits = ENV_UNSTALE_LIMIT_RATE and {
	c2s = { rate = ENV_UNSTALE_LIMIT_RATE; burst = "1s" };
} or {}

authentication = "internal_hashed"
-- Without a certificate there is no encryption to ask for; that is for a loopback interface only.
c2s_require_encryption = ENV_UNSTALE_REQUIRE_TLS == "yes"
consider_websocket_secure = true

-- How long the server keeps the place of a client that was cut off, in seconds, and how much for it.
smacks_hibernation_time = number_of(ENV_UNSTALE_HIBERNATION_S, 60)
smacks_max_queue_size = 5000
-- After how many stanzas a client is asked what has arrived. By default after each, which doubles the traffic.
smacks_max_unacked_stanzas = 50

-- Nagle's algorithm holds a message back until the one before it is acknowledged by the other end's system: up to
-- 40 ms, as those who only listen have nothing to send with it.
network_settings = { nagle = false }
-- Collect garbage when memory has doubled, as Lua does by itself. Prosody's default is 5 % more, and costs a quarter
-- of its one processor when a room is busy.
gc = { mode = "incremental", threshold = 200 }

VirtualHost "localhost"

Component "conference.localhost" "muc"
	name = "Rooms"
	-- A room that stays locked until its owner has configured it is the default of XEP-0045. Off, so that
	-- people can walk in; the tests switch it on as well.
	muc_room_locking = ENV_UNSTALE_ROOM_LOCKING == "yes"
	-- History would be told to everybody who joins: old news, which nobody needs.
	max_history_messages = number_of(ENV_UNSTALE_HISTORY, 0)
	muc_room_default_history_length = number_of(ENV_UNSTALE_HISTORY, 0)
	muc_room_default_persistent = false
	-- A destroyed room may be made again at once.
	muc_tombstones = false
	-- More rooms than this are unloaded from memory, and what is not persistent is lost with them.
	muc_room_cache_size = 10000
