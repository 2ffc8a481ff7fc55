/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Blocks: which member index each backend of a (pool, class) has.
 *
 *	1. find what the previous image had for the pool
 *	2. backends that are the same (identity, address, port) keep their index in the block
 *	3. all the same, weights too: share the block
 *	4. the range has free indexes for the rest: keep it. An index that a removed backend held is not
 *	   free before plan_retire(): the previous image still names it
 *	5. else take a larger range, with the same indexes in it
 */
#include "core/plan_build.h"

#include <errno.h>

#define BLOCK_CAPACITY_MIN 16

struct placement {
	const struct pool *pool;
	const struct member_state *states;
	struct member_class class;
	const struct block *old;	    /* or NULL */
	uint16_t n_old;			    /* members of it */
	uint16_t n, n_kept;		    /* backends of the class; those that keep their index */
	uint16_t top;			    /* 1 + the largest kept index */
	bool same_weights;		    /* of all that are kept, and the same backups */
	uint16_t index[MODEL_POOL_MEMBERS]; /* of each backend; MUSTER_NONE: none yet */
};

static bool is_of_class(const struct backend *be, struct member_class class)
{
	if (class.no_backups && be->backup)
		return false;
	return class.family == AF_UNSPEC || addr_family(&be->addr) == class.family;
}

/* ---- 1 ---- */

static const struct block *find_named(
	struct plan *plan, const char *pool, struct member_class class)
{
	const struct image *previous = plan->previous;

	for (size_t i = 0; i < previous->n_blocks; i++) {
		size_t at = (plan->near + i) % previous->n_blocks;
		const struct block *block = previous->blocks[at];

		if (block->class.on_link != class.on_link || block->class.family != class.family ||
			block->class.no_backups != class.no_backups || strcmp(block->pool, pool))
			continue;
		plan->near = at;
		return block;
	}
	return NULL;
}

/* Damaged tables may name one range for two pools; it can go on as one of them only. */
static bool base_is_taken(const struct image *image, uint32_t base)
{
	for (size_t i = 0; i < image->n_blocks; i++)
		if (image->blocks[i]->base == base)
			return true;
	return false;
}

static const struct block *find_adopted(
	const struct plan *plan, const struct placement *placement, enum plan_class class)
{
	for (size_t i = 0; plan->adopted.entries && i < placement->pool->n_backends; i++) {
		uint64_t key = plan_adopted_key(placement->states[i].identity, class);
		uint32_t position = identities_find(&plan->adopted, key);
		const struct block *block;

		if (position == IDENTITIES_NONE)
			continue;
		block = plan->previous->services[position].block;
		return base_is_taken(plan->image, block->base) ? NULL : block;
	}
	return NULL;
}

/* ---- 2 ---- */

static bool is_same_backend(const struct image_member *member, const struct backend *be)
{
	return addr_equal(&member->addr, &be->addr) && member->port == be->port;
}

static void keep_index(struct placement *placement, size_t i, const struct identities *old_members)
{
	const struct backend *be = &placement->pool->backends[i];
	uint32_t at = identities_find(old_members, placement->states[i].identity);

	if (at == IDENTITIES_NONE || !is_same_backend(&placement->old->members[at], be))
		return;
	placement->index[i] = (uint16_t)at;
	placement->n_kept++;
	placement->top = MAX(placement->top, at + 1);
	placement->same_weights &= placement->old->members[at].weight == be->weight &&
				   placement->old->members[at].backup == be->backup;
}

static int keep_indexes(struct placement *placement)
{
	_cleanup_(identities_clear) struct identities old_members = {};
	const struct block *old = placement->old;

	if (old && identities_init(&old_members, old->n))
		return -ENOMEM;
	for (uint16_t m = 0; old && m < old->n; m++) {
		if (!old->members[m].identity)
			continue;
		identities_add(&old_members, old->members[m].identity, m);
		placement->n_old++;
	}
	for (size_t i = 0; i < placement->pool->n_backends; i++) {
		placement->index[i] = MUSTER_NONE;
		if (!is_of_class(&placement->pool->backends[i], placement->class))
			continue;
		placement->n++;
		keep_index(placement, i, &old_members);
	}
	return 0;
}

/* ---- 3 ---- */

static bool is_shareable(const struct placement *placement)
{
	return placement->old && placement->old->pool[0] && placement->same_weights &&
	       placement->n_kept == placement->n && placement->n_old == placement->n;
}

/* ---- 4, 5 ---- */

static bool range_suffices(const struct placement *placement)
{
	uint32_t indexes;

	if (!placement->old)
		return false;
	indexes = MIN(placement->old->capacity, MODEL_POOL_MEMBERS);
	return placement->n_old + (placement->n - placement->n_kept) <= (int)indexes;
}

/* Gives the backends without an index the lowest ones. @taken: members that are not free, or NULL. */
static void place_rest(struct placement *placement, const struct block *taken)
{
	bool used[MODEL_POOL_MEMBERS] = {};
	uint16_t next = 0;

	for (uint16_t m = 0; taken && m < taken->n; m++)
		used[m] = taken->members[m].identity;
	for (size_t i = 0; i < placement->pool->n_backends; i++)
		if (placement->index[i] != MUSTER_NONE)
			used[placement->index[i]] = true;
	for (size_t i = 0; i < placement->pool->n_backends; i++) {
		if (placement->index[i] != MUSTER_NONE ||
			!is_of_class(&placement->pool->backends[i], placement->class))
			continue;
		while (used[next])
			next++;
		placement->index[i] = next++;
		placement->top = MAX(placement->top, next);
	}
}

/* What backend @i was before, if it kept its index. */
static const struct image_member *kept_member(const struct placement *placement, size_t i)
{
	uint16_t at = placement->index[i];
	const struct image_member *old;

	if (!placement->old || at >= placement->old->n)
		return NULL;
	old = &placement->old->members[at];
	return old->identity == placement->states[i].identity &&
			       is_same_backend(old, &placement->pool->backends[i])
		       ? old
		       : NULL;
}

/*
 * A member that keeps its index keeps its token, and in the same range its bits and next hop too: those are what the table holds, and
 * image_patch() has to see where they differ from the states.
 */
static void fill_members(struct block *block, const struct placement *placement, bool moved)
{
	for (size_t i = 0; i < placement->pool->n_backends; i++) {
		const struct backend *be = &placement->pool->backends[i];
		const struct member_state *state = &placement->states[i];
		const struct image_member *old = kept_member(placement, i);
		struct image_member *member = &block->members[placement->index[i]];

		if (placement->index[i] == MUSTER_NONE)
			continue;
		*member = (struct image_member){
			.identity = state->identity,
			.addr = be->addr,
			.port = be->port,
			.weight = be->weight,
			.backup = be->backup,
			.share = member_state_share(state, block->class),
			.bits = member_state_bits(state, block->class),
			.nexthop = state->nexthop,
			.token = old ? old->token : 0,
			.is_new = !old,
		};
		if (!old || moved)
			continue;
		member->bits = old->bits;
		member->share = old->share;
		member->nexthop = old->nexthop;
	}
}

static void take_back_tokens(struct plan *plan, const struct block *block)
{
	for (uint16_t m = 0; m < block->n; m++)
		if (block->members[m].is_new && block->members[m].token)
			arena_release(plan->space->epochs,
				MUSTER_TOKEN_EPOCH(block->members[m].token), 1);
}

/* A token for each new member. On error none was given. */
static int give_tokens(struct plan *plan, struct block *block, const struct pool *pool)
{
	for (uint16_t m = 0; m < block->n; m++) {
		struct image_member *member = &block->members[m];
		uint32_t epoch;

		if (!member->is_new)
			continue;
		epoch = arena_alloc(plan->space->epochs, 1);
		if (epoch == ARENA_FULL) {
			take_back_tokens(plan, block);
			return plan_full(plan, PLAN_EPOCHS, pool->origin, "pool", pool->name, 1);
		}
		member->token = MUSTER_TOKEN(epoch, m);
	}
	return 0;
}

static int block_alloc(struct block **ret, const struct placement *placement)
{
	_cleanup_(block_unref) struct block *block = calloc(1, sizeof(*block));

	if (!block)
		return -ENOMEM;
	block->references = 1;
	block->class = placement->class;
	block->n = placement->top;
	memcpy(block->pool, placement->pool->name,
		MIN(strlen(placement->pool->name), sizeof(block->pool) - 1));
	block->members = calloc(placement->top, sizeof(*block->members));
	if (!block->members)
		return -ENOMEM;
	*ret = take_ptr(block);
	return 0;
}

static int make_block(struct plan *plan, struct placement *placement, struct block **ret)
{
	_cleanup_(block_unref) struct block *block = NULL;
	bool moved = !range_suffices(placement);
	int err;

	place_rest(placement, moved ? NULL : placement->old);
	err = block_alloc(&block, placement);
	if (err)
		return err;
	fill_members(block, placement, moved);
	err = give_tokens(plan, block, placement->pool);
	if (err)
		return err;
	if (moved) {
		block->capacity = (uint32_t)util_power_of_two(MAX(block->n, BLOCK_CAPACITY_MIN));
		block->base = arena_alloc(plan->space->members, block->capacity);
		if (block->base == ARENA_FULL) {
			take_back_tokens(plan, block);
			return plan_full(plan, PLAN_MEMBERS, placement->pool->origin, "pool",
				placement->pool->name, block->capacity);
		}
	} else {
		block->base = placement->old->base;
		block->capacity = placement->old->capacity;
	}
	*ret = take_ptr(block);
	return 0;
}

int plan_block(struct plan *plan, size_t pool, enum plan_class class, struct block **ret)
{
	struct plan_pool *made = &plan->pools[pool];
	struct placement placement = {
		.pool = &plan->input->model->pools[pool],
		.states = plan->input->states[pool],
		.class = plan_class_members(class),
		.same_weights = true,
	};
	struct block *block = NULL;
	int err = 0;

	*ret = made->blocks[class];
	if (made->has_block[class])
		return 0;
	placement.old = find_named(plan, placement.pool->name, placement.class);
	if (!placement.old)
		placement.old = find_adopted(plan, &placement, class);
	made->before[class] = placement.old;
	if (util_grow(&plan->image->blocks, plan->image->n_blocks, sizeof(*plan->image->blocks)) ||
		keep_indexes(&placement))
		return -ENOMEM;
	if (is_shareable(&placement))
		block = block_ref((struct block *)placement.old);
	else if (placement.n)
		err = make_block(plan, &placement, &block);
	if (err)
		return err;
	if (block)
		plan->image->blocks[plan->image->n_blocks++] = block;
	made->has_block[class] = true;
	made->blocks[class] = *ret = block;
	return 0;
}
