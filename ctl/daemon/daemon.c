/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/daemon.h"

#include "daemon/api.h"
#include "daemon/change.h"
#include "daemon/identity.h"
#include "daemon/settling.h"

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#define BEAT_MS 5 /* how often the loop must come round; later is a stall */

uint64_t daemon_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

uint64_t daemon_now_ms(void)
{
	return daemon_now_ns() / 1000000;
}

uint32_t daemon_now_ds(void)
{
	return (uint32_t)(daemon_now_ns() / 100000000);
}

struct override *override_get(struct daemon *daemon, uint64_t identity)
{
	struct override *override;

	HASH_FIND(hh, daemon->overrides, &identity, sizeof(identity), override);
	if (override)
		return override;
	override = calloc(1, sizeof(*override));
	if (!override)
		return NULL;
	override->identity = identity;
	HASH_ADD(hh, daemon->overrides, identity, sizeof(identity), override);
	return override;
}

void daemon_stop(struct daemon *daemon)
{
	daemon->stopping = true;
	uv_stop(daemon->loop);
}

static int failed(struct daemon *daemon, const char *what, const char *why, int err)
{
	events_emit(daemon->events, EVENT_ERROR, "start_failed", "what", what, "why",
		why ? why : strerror(-err), NULL);
	return err;
}

/* ---- timers, signals ---- */

static void on_beat(uv_timer_t *timer)
{
	struct daemon *daemon = timer->data;
	uint64_t now = daemon_now_ns(), expected = daemon->beat_last_ns + BEAT_MS * 1000000ull;

	if (daemon->beat_last_ns && now > expected)
		daemon->stall_max_ns = MAX(daemon->stall_max_ns, now - expected);
	daemon->beat_last_ns = now;
}

static void on_tick(uv_timer_t *timer)
{
	struct daemon *daemon = timer->data;

	net_tick(daemon->net, daemon_now_ms());
	interfaces_check(daemon);
	commit_tick(daemon);
	settling_tick(daemon->settling);
	change_tick(daemon);
	/* From the loop and only while it turns: a stuck loop is restarted by systemd. */
	sd_notify(0, "WATCHDOG=1");
}

static void reload_done(void *data, const struct change_result *result)
{
	struct daemon *daemon = data;

	events_emit(daemon->events, result->status == CHANGE_OK ? EVENT_NOTICE : EVENT_ERROR,
		"reload", "result", result->text, NULL);
	sd_notify(0, "READY=1");
}

static void on_signal(uv_signal_t *signal, int number)
{
	struct daemon *daemon = signal->data;
	struct change_request reload = {
		.sources.reread = true,
		.done = reload_done,
		.data = daemon,
	};

	if (number == SIGHUP) {
		sd_notify(0, "RELOADING=1");
		change_submit(daemon, &reload);
		return;
	}
	events_emit(daemon->events, EVENT_NOTICE, "stop", "signal", strsignal(number), "forwarding",
		"goes on", NULL);
	daemon_stop(daemon);
}

static int start_timers(struct daemon *daemon)
{
	static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		uv_signal_init(daemon->loop, &daemon->signals[i]);
		daemon->signals[i].data = daemon;
		uv_signal_start(&daemon->signals[i], on_signal, numbers[i]);
	}
	uv_timer_init(daemon->loop, &daemon->tick);
	uv_timer_init(daemon->loop, &daemon->beat);
	daemon->tick.data = daemon->beat.data = daemon;
	uv_timer_start(&daemon->tick, on_tick, 1000, 1000);
	return uv_timer_start(&daemon->beat, on_beat, BEAT_MS, BEAT_MS);
}

/* ---- kernel side ---- */

static int claim_nexthops(struct daemon *daemon)
{
	int err = 0;

	for (size_t b = 0; b < daemon->live->n_blocks; b++) {
		const struct block *block = daemon->live->blocks[b];

		for (uint16_t i = 0; !err && i < block->n; i++) {
			uint32_t index = block->members[i].nexthop;
			struct muster_nexthop nexthop;

			if (!block->members[i].identity || index == MUSTER_NO_NEXTHOP)
				continue;
			nexthop = dataplane_read_nexthop(daemon->dp, index);
			err = nexthops_claim(daemon->nexthops, index, &nexthop);
		}
	}
	return err;
}

static int adopt(struct daemon *daemon)
{
	const char *why;
	bool adopted = dataplane_adopted(daemon->dp, &why);
	int err = dataplane_read_image(daemon->dp, daemon_now_ds(), &daemon->live);

	if (err)
		return failed(daemon, "adopting the pinned maps",
			err == -EUCLEAN
				? "they are damaged; `rm -r` the pin directory to start anew"
				: NULL,
			err);
	if (!plan_space_claim(daemon->space, daemon->live))
		return failed(daemon, "adopting the pinned maps",
			"they contradict themselves; `rm -r` the pin directory to start anew",
			-EUCLEAN);
	err = claim_nexthops(daemon);
	if (!err) /* members may have left just before an earlier musterd ended */
		err = settling_forget(daemon);
	if (err)
		return failed(daemon, "adopting next hops and flows", NULL, err);
	if (adopted)
		events_emit(daemon->events, EVENT_NOTICE, "adopted", "generation",
			event_text("%llu", (unsigned long long)daemon->live->generation),
			"services", event_text("%zu", daemon->live->n_services), NULL);
	else if (why)
		events_emit(daemon->events, EVENT_WARNING, "not_adopted", "why", why, NULL);
	return 0;
}

static int open_dataplane(struct daemon *daemon)
{
	const struct settings *settings = &daemon->settings;
	struct dataplane_options options = {
		.pin_dir = settings->pin_dir,
		.limits = settings->limits,
		.nexthops = settings->nexthops,
		.reply_rate = settings->reply_rate,
		.fragments = settings->fragments,
		.flows = settings->flows,
		.reply_sources = {settings->reply_source[0], settings->reply_source[1]},
		.hash_key = settings->hash_key,
		.hash_key_given = settings->hash_key_given,
	};
	_free_ char *error = NULL;
	int err = 0;

	if (!settings->hash_key_given)
		err = identity_hash_key(settings->state_dir, &options.hash_key);
	if (err)
		return failed(daemon, event_text("hash key in %s", settings->state_dir), NULL, err);
	err = dataplane_open(&daemon->dp, &options, &error);
	if (err)
		return failed(daemon, "data plane", error, err);
	err = plan_space_new(&daemon->space, &settings->limits);
	if (!err)
		err = nexthops_new(&daemon->nexthops, settings->nexthops);
	return err ? failed(daemon, "tables", NULL, err) : adopt(daemon);
}

static void on_net_poll(uv_poll_t *poll, int status, int events)
{
	struct daemon *daemon = poll->data;

	(void)status;
	(void)events;
	net_dispatch(daemon->net);
}

static int open_net(struct daemon *daemon)
{
	struct net_events events = {
		.path_changed = paths_changed,
		.link_changed = interfaces_link_changed,
		.data = daemon,
	};
	int err = net_open(&daemon->net, &events);

	if (err)
		return failed(daemon, "netlink", NULL, err);
	uv_poll_init(daemon->loop, &daemon->net_poll, net_fd(daemon->net));
	daemon->net_poll.data = daemon;
	return uv_poll_start(&daemon->net_poll, UV_READABLE, on_net_poll);
}

/* ---- the rest ---- */

static int start_prober(struct daemon *daemon)
{
	struct supervisor_events events = {
		.result = healing_result,
		.started = healing_started,
		.gone = healing_gone,
		.data = daemon,
	};
	struct supervisor_options options;
	const char *note;
	int err = identity_prober(&daemon->settings, &options, &note);

	if (err)
		return failed(
			daemon, "muster-prober", "not found next to musterd; set prober_path", err);
	if (note)
		events_emit(daemon->events, EVENT_WARNING, "prober_user", "user",
			daemon->settings.prober_user, "why", note, NULL);
	err = supervisor_new(&daemon->supervisor, daemon->loop, &options, &events);
	if (err)
		return failed(daemon, "muster-prober", NULL, err);
	targets_set_supervisor(daemon->targets, daemon->supervisor);
	return 0;
}

/* An empty model: what the first change is measured against. */
static int empty_fleet(struct daemon *daemon)
{
	struct fleet_context context = {.targets = daemon->targets, .now_ms = daemon_now_ms()};
	struct model *model = calloc(1, sizeof(*model));

	return model ? fleet_new(&daemon->fleet, model, NULL, &context) : -ENOMEM;
}

static void first_done(void *data, const struct change_result *result)
{
	struct daemon *daemon = data;

	if (result->status != CHANGE_OK) {
		daemon->exit_error = result->status == CHANGE_INVALID ? -EINVAL : -EIO;
		daemon_stop(daemon);
		return;
	}
	sd_notify(0, "READY=1");
	events_emit(daemon->events, EVENT_NOTICE, "ready", "generation",
		event_text("%llu", (unsigned long long)result->generation), NULL);
}

static int first_change(struct daemon *daemon)
{
	struct change_request request = {
		.sources.reread = true,
		.allow_removal = true,
		.done = first_done,
		.data = daemon,
	};

	return change_submit(daemon, &request);
}

static int start_settling(struct daemon *daemon)
{
	return settling_new(&daemon->settling, daemon);
}

static int make_run_dir(struct daemon *daemon)
{
	if (mkdir(daemon->settings.run_dir, 0755) && errno != EEXIST)
		return failed(daemon, daemon->settings.run_dir, NULL, -errno);
	return 0;
}

static void on_event(void *data)
{
	struct daemon *daemon = data;

	api_wake(daemon->api);
}

static int daemon_start(struct daemon *daemon)
{
	int (*const steps[])(struct daemon *) = {
		make_run_dir,
		open_net,
		open_dataplane,
		interfaces_init,
		empty_fleet,
		start_settling,
		start_timers,
		start_prober,
		first_change,
	};
	int err = 0;

	daemon->loop = uv_default_loop();
	daemon->started_ms = daemon_now_ms();
	err = events_new(&daemon->events, on_event, daemon);
	if (!err)
		err = targets_new(&daemon->targets);
	for (size_t i = 0; !err && i < ARRAY_SIZE(steps); i++)
		err = steps[i](daemon);
	if (!err)
		announce_load(daemon);
	if (!err)
		err = api_new(&daemon->api, daemon);
	return err;
}

/* Forwarding goes on; whatever a worker still does to tables ends first. */
static void daemon_end(struct daemon *daemon)
{
	struct override *override, *next;
	struct announced *row, *next_row;

	daemon->stopping = true;
	sd_notify(0, "STOPPING=1");
	while ((daemon->change || settling_is_busy(daemon->settling)) && daemon->loop)
		if (!uv_run(daemon->loop, UV_RUN_ONCE))
			break;
	if (daemon->loop)
		change_clear(daemon);
	api_free(&daemon->api);
	supervisor_free(&daemon->supervisor);
	if (daemon->targets)
		targets_set_supervisor(daemon->targets, NULL);
	fleet_free(&daemon->fleet, daemon->targets);
	settling_free(&daemon->settling);
	targets_free(&daemon->targets);
	sources_free(&daemon->sources);
	image_free(&daemon->live);
	plan_space_free(&daemon->space);
	nexthops_free(&daemon->nexthops);
	dataplane_close(&daemon->dp);
	net_close(&daemon->net);
	interfaces_clear(daemon);
	HASH_ITER (hh, daemon->overrides, override, next) {
		HASH_DELETE(hh, daemon->overrides, override);
		free(override);
	}
	HASH_ITER (hh, daemon->announced, row, next_row) {
		HASH_DELETE(hh, daemon->announced, row);
		free(row);
	}
	free(daemon->refused);
	events_free(&daemon->events);
	settings_clear(&daemon->settings);
}

int daemon_run(struct daemon *daemon)
{
	int err = daemon_start(daemon);

	if (!err) {
		uv_run(daemon->loop, UV_RUN_DEFAULT);
		err = daemon->exit_error;
	}
	daemon_end(daemon);
	return err;
}
