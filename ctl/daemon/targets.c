/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/targets.h"

#include <errno.h>

struct targets {
	struct target *specs, *ids;
	uint32_t last_id;
	struct supervisor *supervisor;
};

int targets_new(struct targets **ret)
{
	struct targets *targets = calloc(1, sizeof(*targets));

	if (!targets)
		return -ENOMEM;
	*ret = targets;
	return 0;
}

static void target_free(struct targets *targets, struct target *target)
{
	HASH_DELETE(by_spec, targets->specs, target);
	HASH_DELETE(by_id, targets->ids, target);
	free(target->pools);
	free(target);
}

void targets_free(struct targets **targets)
{
	struct target *target, *next;

	if (!*targets)
		return;
	HASH_ITER (by_id, (*targets)->ids, target, next)
		target_free(*targets, target);
	free(*targets);
	*targets = NULL;
}

void targets_set_supervisor(struct targets *targets, struct supervisor *supervisor)
{
	targets->supervisor = supervisor;
}

static void send_add(struct targets *targets, struct target *target)
{
	union probe_frame frame = {
		.add.header =
			{
				.version = PROBE_VERSION,
				.type = PROBE_FRAME_ADD,
				.target_id = target->id,
				.config_seq = 1,
			},
	};

	if (!targets->supervisor || target->quarantined)
		return;
	frame.add.spec = target->spec;
	supervisor_send(targets->supervisor, &frame, sizeof(frame.add));
}

static void send_delete(struct targets *targets, struct target *target)
{
	union probe_frame frame = {
		.header =
			{
				.version = PROBE_VERSION,
				.type = PROBE_FRAME_DELETE,
				.target_id = target->id,
			},
	};

	if (targets->supervisor)
		supervisor_send(targets->supervisor, &frame, sizeof(frame.header));
}

struct target *targets_get(struct targets *targets, const struct probe_spec *spec)
{
	struct target *target;

	HASH_FIND(by_spec, targets->specs, spec, sizeof(*spec), target);
	if (target) {
		target->references++;
		return target;
	}
	target = calloc(1, sizeof(*target));
	if (!target)
		return NULL;
	target->id = ++targets->last_id;
	target->spec = *spec;
	target->references = 1;
	target->outcome = OUTCOME_MAX;
	HASH_ADD(by_spec, targets->specs, spec, sizeof(*spec), target);
	HASH_ADD(by_id, targets->ids, id, sizeof(target->id), target);
	send_add(targets, target);
	return target;
}

void targets_put(struct targets *targets, struct target *target)
{
	if (--target->references)
		return;
	send_delete(targets, target);
	target_free(targets, target);
}

struct target *targets_find(struct targets *targets, uint32_t id)
{
	struct target *target;

	HASH_FIND(by_id, targets->ids, &id, sizeof(id), target);
	return target;
}

void targets_send_all(struct targets *targets)
{
	struct target *target, *next;

	HASH_ITER (by_id, targets->ids, target, next) {
		target->probe_seq = 0;
		target->tethered = false;
		send_add(targets, target);
	}
}

bool targets_crashed(struct targets *targets, uint32_t id)
{
	struct target *target = targets_find(targets, id);

	if (!target || ++target->crashes < TARGET_CRASHES_MAX)
		return false;
	target->quarantined = true;
	return true;
}

unsigned targets_count(const struct targets *targets)
{
	return HASH_CNT(by_id, targets->ids);
}

unsigned targets_quarantined(const struct targets *targets)
{
	const struct target *target;
	unsigned n = 0;

	for (target = targets->ids; target; target = target->by_id.next)
		n += target->quarantined;
	return n;
}

void targets_each(struct targets *targets, void (*f)(struct target *target, void *data), void *data)
{
	struct target *target, *next;

	HASH_ITER (by_id, targets->ids, target, next)
		f(target, data);
}
