/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/plan_build.h"

#include <errno.h>

/* ---- space ---- */

int plan_space_new(struct plan_space **ret, const struct plan_limits *limits)
{
	_cleanup_(plan_space_free) struct plan_space *space = calloc(1, sizeof(*space));

	if (!space)
		return -ENOMEM;
	space->limits = *limits;
	if (arena_new(&space->services, limits->services, 0) ||
		arena_new(&space->members, limits->members, 0) ||
		arena_new(&space->elements, limits->slots / MUSTER_ELEMENT_SLOTS, 0) ||
		arena_new(&space->epochs, MUSTER_EPOCH_MAX + 1, 1))
		return -ENOMEM;
	*ret = take_ptr(space);
	return 0;
}

void plan_space_free(struct plan_space **space)
{
	struct plan_space *s = *space;

	if (!s)
		return;
	arena_free(&s->services);
	arena_free(&s->members);
	arena_free(&s->elements);
	arena_free(&s->epochs);
	free(s);
	*space = NULL;
}

uint32_t plan_elements(uint32_t slots)
{
	return (slots + MUSTER_ELEMENT_SLOTS - 1) / MUSTER_ELEMENT_SLOTS;
}

static void release_epochs(struct plan_space *space, const struct block *block)
{
	for (uint16_t m = 0; m < block->n; m++)
		if (block->members[m].identity)
			arena_release(
				space->epochs, MUSTER_TOKEN_EPOCH(block->members[m].token), 1);
}

static bool claim_epochs(struct plan_space *space, const struct block *block)
{
	bool fits = true;

	for (uint16_t m = 0; m < block->n; m++)
		if (block->members[m].identity)
			fits &= arena_claim(
				space->epochs, MUSTER_TOKEN_EPOCH(block->members[m].token), 1);
	return fits;
}

static void space_release(struct plan_space *space, const struct image *image)
{
	for (size_t i = 0; i < image->n_services; i++)
		arena_release(space->services, image->services[i].index, 1);
	for (size_t i = 0; i < image->n_blocks; i++) {
		arena_release(space->members, image->blocks[i]->base, image->blocks[i]->capacity);
		release_epochs(space, image->blocks[i]);
	}
	for (size_t i = 0; i < image->n_rings; i++) {
		const struct slots *slots = &image->rings[i].ring->slots;

		arena_release(space->elements, slots->base / MUSTER_ELEMENT_SLOTS,
			plan_elements(slots->n));
	}
}

/* Claims all that it can. False if something was taken already. */
static bool space_claim(struct plan_space *space, const struct image *image)
{
	bool fits = true;

	for (size_t i = 0; i < image->n_services; i++)
		fits &= arena_claim(space->services, image->services[i].index, 1);
	for (size_t i = 0; i < image->n_blocks; i++) {
		fits &= arena_claim(
			space->members, image->blocks[i]->base, image->blocks[i]->capacity);
		fits &= claim_epochs(space, image->blocks[i]);
	}
	for (size_t i = 0; i < image->n_rings; i++) {
		const struct slots *slots = &image->rings[i].ring->slots;

		fits &= arena_claim(space->elements, slots->base / MUSTER_ELEMENT_SLOTS,
			plan_elements(slots->n));
	}
	return fits;
}

/*
 * Two images share a range whole or not at all. So all of @previous is released and what @next holds
 * of it is claimed again; what @next holds alone is still claimed and stays so.
 */
void plan_retire(struct plan_space *space, const struct image *previous, const struct image *next)
{
	space_release(space, previous);
	space_claim(space, next);
}

bool plan_space_claim(struct plan_space *space, const struct image *adopted)
{
	for (size_t i = 0; i < adopted->n_rings; i++)
		if (adopted->rings[i].ring->slots.base % MUSTER_ELEMENT_SLOTS)
			return false;
	return space_claim(space, adopted);
}

int plan_full(struct plan *plan, enum plan_table table, struct origin where, const char *kind,
	const char *name, uint32_t needs)
{
	static const struct {
		const char *name, *unit, *limit;
		uint32_t scale; /* units per index of the arena */
	} rows[] = {
		[PLAN_SERVICES] = {"service", "more", "services", 1},
		[PLAN_MEMBERS] = {"member", "indexes", "members", 1},
		[PLAN_SLOTS] = {"ring", "slots", "ring_slots", MUSTER_ELEMENT_SLOTS},
		[PLAN_EPOCHS] = {"epoch", "more", "members", 1},
	};
	const struct arena *const arenas[] = {
		[PLAN_SERVICES] = plan->space->services,
		[PLAN_MEMBERS] = plan->space->members,
		[PLAN_SLOTS] = plan->space->elements,
		[PLAN_EPOCHS] = plan->space->epochs,
	};
	uint32_t size = arena_size(arenas[table]), free = size - arena_used(arenas[table]);

	diag_error(plan->diags, where,
		"%s table full: %s %s needs %u %s, %u of %u are free%s; raise limits.%s in "
		"musterd.yaml",
		rows[table].name, kind, name, needs * rows[table].scale, rows[table].unit,
		free * rows[table].scale, size * rows[table].scale,
		free >= needs ? " but not in one piece" : "", rows[table].limit);
	return -ENOSPC;
}

/* ---- classes ---- */

enum plan_class plan_class_of(const struct muster_addr *addr, uint8_t mode, bool no_backups)
{
	enum plan_class class = PLAN_ROUTED;

	if (mode == MUSTER_MODE_L2DSR)
		class = addr_is_v4(addr) ? PLAN_V4_ON_LINK : PLAN_V6_ON_LINK;
	return no_backups ? class + PLAN_NO_BACKUPS : class;
}

struct member_class plan_class_members(enum plan_class class)
{
	static const struct member_class classes[] = {
		[PLAN_ROUTED] = {AF_UNSPEC, false, false},
		[PLAN_V4_ON_LINK] = {AF_INET, true, false},
		[PLAN_V6_ON_LINK] = {AF_INET6, true, false},
	};
	struct member_class members = classes[class % PLAN_NO_BACKUPS];

	members.no_backups = class >= PLAN_NO_BACKUPS;
	return members;
}

/* ---- adoption ---- */

uint64_t plan_adopted_key(uint64_t identity, enum plan_class class)
{
	uint64_t key = muster_mix64(identity + class);

	return key ? key : 1;
}

static bool is_adopted(const struct block *block)
{
	return !block->pool[0];
}

static void index_block(
	struct identities *adopted, const struct image_service *service, uint32_t position)
{
	enum plan_class class = plan_class_of(
		&service->key.addr, service->mode, service->flags & MUSTER_SERVICE_NO_BACKUPS);

	for (uint16_t m = 0; m < service->block->n; m++) {
		uint64_t identity = service->block->members[m].identity;
		uint64_t key = plan_adopted_key(identity, class);

		if (!identity)
			continue;
		if (identities_find(adopted, key) != IDENTITIES_NONE)
			return; /* another service of the same block was here */
		identities_add(adopted, key, position);
	}
}

static int index_adopted(struct plan *plan)
{
	const struct image *previous = plan->previous;
	size_t n = 0;
	int err;

	for (size_t b = 0; b < previous->n_blocks; b++)
		n += is_adopted(previous->blocks[b]) ? previous->blocks[b]->n : 0;
	if (!n)
		return 0;
	/* A damaged image may show a block in every class. */
	err = identities_init(&plan->adopted, n * PLAN_CLASSES);
	for (size_t i = 0; !err && i < previous->n_services; i++)
		if (previous->services[i].block && is_adopted(previous->services[i].block))
			index_block(&plan->adopted, &previous->services[i], (uint32_t)i);
	return err;
}

/* ---- the plan ---- */

static void plan_clear(struct plan *plan)
{
	if (plan->image)
		plan_retire(plan->space, plan->image, plan->previous);
	image_free(&plan->image);
	identities_clear(&plan->adopted);
	free(plan->pools);
}

int plan_image(const struct plan_input *input, struct plan_space *space,
	const struct image *previous, struct image **ret, bool *ret_changed, struct diags *diags)
{
	_cleanup_(plan_clear) struct plan plan = {
		.input = input,
		.space = space,
		.previous = previous,
		.diags = diags,
	};
	int err = image_new(&plan.image);

	if (err)
		return err;
	plan.pools = calloc(MAX(input->model->n_pools, 1), sizeof(*plan.pools));
	if (!plan.pools)
		return -ENOMEM;
	err = index_adopted(&plan);
	if (err)
		return err;
	err = plan_services(&plan);
	if (err)
		return err;
	*ret_changed = !plan_is_same(previous, plan.image);
	plan.image->generation = previous->generation + *ret_changed;
	*ret = take_ptr(plan.image);
	return 0;
}
