/* SPDX-License-Identifier: BSD-2-Clause */
/* Long random histories of models: indexes stay, and no index changes hands in one step. */
#include "plans.h"

enum { POOLS = 6, NAMES = 40, VIPS = 12, STEPS = 250 };

/* What a model is drawn from; a step changes a little of it. */
struct draft {
	bool backend[POOLS][NAMES];
	uint16_t weight[POOLS][NAMES];
	uint32_t addr[POOLS][NAMES];
	struct {
		bool there, both_families, dsr, udp;
		uint32_t pool, ports;
	} vips[VIPS];
};

static struct muster_addr draft_addr(size_t pool, size_t name, uint32_t version)
{
	struct muster_addr addr =
		models_addr_v4((uint32_t)(pool << 16 | name << 8) + version % 200 + 1);

	if (name % 4)
		return addr;
	addr.d[0] = models_addr("2001:db8::").d[0];
	addr.w[2] = 0;
	return addr;
}

static struct model *draft_model(const struct draft *draft)
{
	struct model *model = models_new();
	char name[24];

	for (size_t p = 0; p < POOLS; p++) {
		snprintf(name, sizeof(name), "pool%zu", p);
		models_add_pool(model, name);
		for (size_t b = 0; b < NAMES; b++) {
			snprintf(name, sizeof(name), "b%zu", b);
			if (draft->backend[p][b])
				models_add_backend(model, p, name,
					draft_addr(p, b, draft->addr[p][b]), draft->weight[p][b]);
		}
	}
	for (size_t v = 0; v < VIPS; v++) {
		struct vip *vip;

		if (!draft->vips[v].there)
			continue;
		snprintf(name, sizeof(name), "vip%zu", v);
		/* Two neighbours share an address, with different ports. */
		vip = models_add_vip(model, name, models_addr_v4(0x100000 + (uint32_t)v / 2),
			draft->vips[v].pool);
		vip->ports[0].port = htons((uint16_t)(80 + v));
		for (uint32_t i = 0; i < draft->vips[v].ports; i++)
			models_add_port(vip, (uint16_t)(1000 + 100 * v + i));
		if (draft->vips[v].both_families)
			models_add_addr(vip, models_addr("2001:db8:1::1"));
		vip->mode = draft->vips[v].dsr ? MUSTER_MODE_L2DSR : MUSTER_MODE_IPIP;
		vip->proto = draft->vips[v].udp ? IPPROTO_UDP : IPPROTO_TCP;
	}
	return model;
}

static void change(struct draft *draft, uint64_t *seed)
{
	uint32_t p = unit_random(seed, POOLS), b = unit_random(seed, NAMES);
	uint32_t v = unit_random(seed, VIPS);

	switch (unit_random(seed, 8)) {
	case 0:
	case 1:
		draft->backend[p][b] ^= true;
		break;
	case 2:
		draft->weight[p][b] = (uint16_t)(unit_random(seed, 4) * 50);
		break;
	case 3:
		draft->addr[p][b]++;
		break;
	case 4:
		draft->vips[v].there ^= true;
		break;
	case 5:
		draft->vips[v].dsr ^= true;
		draft->vips[v].udp ^= unit_random(seed, 2);
		break;
	case 6:
		draft->vips[v].ports = unit_random(seed, 4);
		draft->vips[v].both_families ^= true;
		break;
	default: /* nothing, or a whole pool */
		if (unit_random(seed, 4))
			break;
		for (b = 0; b < NAMES; b++)
			draft->backend[p][b] = unit_random(seed, 3);
	}
}

static bool same_member(const struct image_member *a, const struct image_member *b)
{
	return a->identity == b->identity && addr_equal(&a->addr, &b->addr) && a->port == b->port;
}

/* Every index that both images use stands for the same in both. */
static void check_hand_over(const struct image *previous, const struct image *next)
{
	static const struct image_member *members[4096];
	static const struct image_service *services[512];
	static const struct ring *rings[(1 << 19) / MUSTER_ELEMENT_SLOTS];

	memset(members, 0, sizeof(members));
	memset(services, 0, sizeof(services));
	memset(rings, 0, sizeof(rings));
	for (size_t b = 0; b < previous->n_blocks; b++)
		for (uint16_t i = 0; i < previous->blocks[b]->n; i++)
			if (previous->blocks[b]->members[i].identity)
				members[previous->blocks[b]->base + i] =
					&previous->blocks[b]->members[i];
	for (size_t i = 0; i < previous->n_services; i++)
		services[previous->services[i].index] = &previous->services[i];
	for (size_t r = 0; r < previous->n_rings; r++)
		for (uint32_t e = 0; e * MUSTER_ELEMENT_SLOTS < previous->rings[r].ring->size; e++)
			rings[previous->rings[r].ring->slots.base / MUSTER_ELEMENT_SLOTS + e] =
				previous->rings[r].ring;

	for (size_t b = 0; b < next->n_blocks; b++)
		for (uint16_t i = 0; i < next->blocks[b]->n; i++) {
			const struct image_member *old = members[next->blocks[b]->base + i];

			if (old && next->blocks[b]->members[i].identity)
				assert_true(same_member(old, &next->blocks[b]->members[i]));
		}
	for (size_t i = 0; i < next->n_services; i++) {
		const struct image_service *old = services[next->services[i].index];

		assert_true(!old || !image_compare_services(old, &next->services[i]));
	}
	for (size_t r = 0; r < next->n_rings; r++)
		for (uint32_t e = 0; e * MUSTER_ELEMENT_SLOTS < next->rings[r].ring->size; e++) {
			const struct ring *old =
				rings[next->rings[r].ring->slots.base / MUSTER_ELEMENT_SLOTS + e];

			assert_true(!old || old == next->rings[r].ring);
		}
}

/* What survives keeps its place. */
static void check_stable(const struct image *previous, const struct image *next)
{
	for (size_t i = 0; i < next->n_services; i++) {
		const struct image_service *old =
			image_find_service(previous, &next->services[i].key);

		assert_true(!old || old->index == next->services[i].index);
	}
	for (size_t b = 0; b < next->n_blocks; b++)
		for (size_t o = 0; o < previous->n_blocks; o++) {
			const struct block *block = next->blocks[b], *old = previous->blocks[o];

			if (strcmp(block->pool, old->pool) ||
				block->class.family != old->class.family ||
				block->class.on_link != old->class.on_link)
				continue;
			for (uint16_t i = 0; i < old->n; i++)
				for (uint16_t j = 0; j < block->n; j++)
					if (old->members[i].identity &&
						same_member(&old->members[i], &block->members[j]))
						assert_int_equal(i, j);
		}
}

static void disturb(struct member_state **states, const struct model *model, uint64_t *seed)
{
	for (size_t p = 0; p < model->n_pools; p++)
		for (size_t i = 0; i < model->pools[p].n_backends; i++) {
			states[p][i].bits.new_ok = unit_random(seed, 5);
			states[p][i].nexthop = unit_random(seed, 10);
			states[p][i].on_link = unit_random(seed, 3);
		}
}

static void test_history(void **state)
{
	_cleanup_(plans_clear) struct plans plans;
	struct draft draft = {};
	uint64_t seed = 11;
	unsigned unchanged = 0;

	(void)state;
	plans_init(&plans, &plans_limits);
	memset(draft.weight, 100, sizeof(draft.weight));
	for (size_t v = 0; v < VIPS; v++)
		draft.vips[v].pool = unit_random(&seed, POOLS);
	for (unsigned step = 0; step < STEPS; step++) {
		_cleanup_(model_free) struct model *model = draft_model(&draft);
		struct member_state **states = models_states(model);
		struct image *next = NULL;

		disturb(states, model, &seed);
		assert_int_equal(plans_try(&plans, model, states, &next), 0);
		check_hand_over(plans.live, next);
		check_stable(plans.live, next);
		plan_retire(plans.space, next, plans.live); /* dropped: planned again below */
		image_free(&next);
		plans_check_space(plans.space, plans.live);
		plans_commit(&plans, model, states);
		unchanged += !plans.changed;
		models_states_free(states, model);
		for (uint32_t n = unit_random(&seed, step % 20 ? 3 : 30); n > 0; n--)
			change(&draft, &seed);
	}
	assert_in_range(unchanged, STEPS / 10, STEPS * 9 / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_history),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
