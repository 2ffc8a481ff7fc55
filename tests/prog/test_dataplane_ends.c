/* SPDX-License-Identifier: BSD-2-Clause */
/* A controller that ends in the middle of a change, and the next one over what it left. */
#include "world.h"

static void grow_pool(struct world *world, size_t pool, size_t n)
{
	models_states_free(world->states, world->model);
	models_add_backends(world->model, pool, 0x1000 + 0x100 * (uint32_t)pool, n);
	for (size_t i = 0; i < n; i++) { /* models_add_backends() counts names from b1 */
		struct pool *config = &world->model->pools[pool];
		struct backend *be = &config->backends[config->n_backends - n + i];

		free(be->name);
		assert_true(asprintf(&be->name, "more%zu", i) > 0);
	}
	world->states = models_states(world->model);
}

static void check_members(const struct world *world)
{
	char path[96];
	int fd;

	snprintf(path, sizeof(path), "%s/members", pin_dir);
	fd = bpf_obj_get(path);
	for (size_t b = 0; b < world->live->n_blocks; b++)
		for (uint16_t m = 0; m < world->live->blocks[b]->n; m++) {
			const struct image_member *member = &world->live->blocks[b]->members[m];
			uint32_t index = world->live->blocks[b]->base + m;
			struct muster_member at;

			assert_int_equal(bpf_map_lookup_elem(fd, &index, &at), 0);
			assert_int_equal(at.identity, member->identity);
			assert_memory_equal(&at.addr, &member->addr, sizeof(at.addr));
			assert_int_equal(at.new_ok, member->bits.new_ok);
			assert_int_equal(at.nexthop, member->nexthop);
		}
	close(fd);
}

/* What was staged and never read is no reason to leave it as it is. */
static void end_before_the_flip(void **state)
{
	struct dataplane_options with = options();
	struct image *next;
	struct world world;

	(void)state;
	world_open(&world, one_vip(10), &with);
	add_nexthop(world.dp);
	world_commit(&world, &with);
	assert_int_equal(dataplane_publish(world.dp, NULL), 0);
	grow_pool(&world, 0, 10);
	world.states[0][3].bits.new_ok = false;
	world.states[0][4].nexthop = 7;
	next = world_stage(&world, &with);
	assert_int_not_equal(next->blocks[0]->base, world.live->blocks[0]->base);
	image_free(&next);
	world_close(&world);

	world_open(&world, one_vip(10), &with);
	grow_pool(&world, 0, 10);
	assert_true(world_commit(&world, &with));
	check_members(&world);
	dataplane_teardown(world.dp);
	world_close(&world);
}

/* What the image before held is not another pool's. */
static void end_before_the_retirement(void **state)
{
	struct dataplane_options with = options();
	struct model *model = one_vip(10);
	struct world world;
	struct image *next;

	(void)state;
	models_add_backends(model, models_add_pool(model, "grows"), 0x400, 20);
	models_add_vip(model, "grows", models_addr("198.18.0.2"), 1);
	models_add_backends(model, models_add_pool(model, "last"), 0x500, 10);
	models_add_vip(model, "last", models_addr("198.18.0.3"), 2);
	world_open(&world, model, &with);
	add_nexthop(world.dp);
	world_commit(&world, &with);
	assert_int_equal(dataplane_publish(world.dp, NULL), 0);
	grow_pool(&world, 1, 20);
	next = world_stage(&world, &with);
	dataplane_flip(world.dp, next);
	image_free(&next);
	world_close(&world);

	model = one_vip(10);
	world_open(&world, model, &with); /* its claim of the space, above all */
	assert_int_equal(world.live->n_blocks, 3);
	for (size_t b = 0; b < 3; b++)
		assert_int_equal(
			world.live->blocks[b]->n, world.live->blocks[b]->capacity == 64 ? 40 : 10);
	dataplane_teardown(world.dp);
	world_close(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(end_before_the_flip),
		cmocka_unit_test(end_before_the_retirement),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
