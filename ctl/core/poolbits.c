/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/poolbits.h"

#define BLIND_PERCENT 80
#define BLIND_POOLS   3

/* After a restart the adopted bits speak for a backend until evidence arrives. */
static bool counts_as_up(const struct poolbits_backend *backend)
{
	if (backend->health == HEALTH_UNKNOWN && backend->restored)
		return backend->last.new_ok;
	return backend->health == HEALTH_UP;
}

static bool is_panic(
	const struct poolbits_params *params, const struct poolbits_backend *backends, size_t n)
{
	size_t enabled = 0, not_up = 0;

	for (size_t i = 0; i < n; i++) {
		if (backends[i].admin != ADMIN_ENABLED)
			continue;
		if (backends[i].backup && counts_as_up(&backends[i]))
			return false;
		if (backends[i].backup)
			continue;
		enabled++;
		not_up += !counts_as_up(&backends[i]);
	}
	return params->panic < 100 && not_up * 100 > params->panic * enabled;
}

static struct bits by_health(const struct poolbits_backend *backend, bool on_down_reset, bool panic)
{
	switch (backend->health) {
	case HEALTH_UP:
		return (struct bits){true, true};
	case HEALTH_FAILING:
		return (struct bits){panic, panic || !on_down_reset};
	case HEALTH_UNKNOWN:
		return backend->restored ? backend->last : (struct bits){};
	default:
		return (struct bits){};
	}
}

bool poolbits_compute(const struct poolbits_params *params, const struct poolbits_backend *backends,
	size_t n, struct bits *ret)
{
	bool panic = is_panic(params, backends, n);

	for (size_t i = 0; i < n; i++) {
		ret[i] = by_health(&backends[i], params->on_down_reset, panic);
		if (backends[i].admin == ADMIN_DRAINING)
			ret[i].new_ok = false;
		if (backends[i].admin == ADMIN_DISABLED)
			ret[i] = (struct bits){};
	}
	return panic;
}

bool poolbits_blind(const struct blind_pool *pools, size_t n)
{
	size_t up = 0, doubtful = 0, hit = 0, with_up = 0;

	for (size_t i = 0; i < n; i++) {
		up += pools[i].up;
		doubtful += pools[i].doubtful;
		with_up += pools[i].up > 0;
		hit += pools[i].doubtful > 0;
	}
	return up && doubtful * 100 > up * BLIND_PERCENT &&
	       hit >= MIN(with_up, (size_t)BLIND_POOLS);
}

bool poolbits_doubtful(
	const struct health *health, uint32_t interval, uint32_t timeout, uint64_t now_ms)
{
	return health->state == HEALTH_UP && health->first_fail_ms &&
	       now_ms - health->first_fail_ms <= (uint64_t)interval + timeout;
}
