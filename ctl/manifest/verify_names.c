/* SPDX-License-Identifier: BSD-2-Clause */
/* One object, one name; and every VIP gets the pool that it names. */
#include "manifest/draft.h"

struct named {
	const char *name;
	size_t index;
};

static int by_name(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : x->index < y->index ? -1 : x->index > y->index;
}

struct names {
	struct named *rows; /* sorted; the first of a name was written first */
	size_t n;
};

static int names_sort(
	struct names *names, const void *objects, size_t n, size_t size, size_t offset)
{
	names->rows = calloc(MAX(n, 1), sizeof(*names->rows));
	if (!names->rows)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const char *object = (const char *)objects + i * size;
		const char *name = *(char *const *)(object + offset);

		if (name)
			names->rows[names->n++] = (struct named){name, i};
	}
	if (names->n)
		qsort(names->rows, names->n, sizeof(*names->rows), by_name);
	return 0;
}

static size_t names_find(const struct names *names, const char *name)
{
	size_t low = 0, high = names->n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (strcmp(names->rows[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == names->n || strcmp(names->rows[low].name, name))
		return DRAFT_NO_POOL;
	return names->rows[low].index;
}

static void verify_vips(
	const struct draft *draft, const struct names *names, struct complaints *complaints)
{
	for (size_t i = 1, first = 0; i < names->n && !complaints_full(complaints); i++) {
		if (strcmp(names->rows[i].name, names->rows[first].name)) {
			first = i;
			continue;
		}
		complain_error(complaints, draft->vips[names->rows[i].index].name,
			"VIP %s exists already (" PLACE ")", names->rows[i].name,
			PLACE_ARGS(draft->vips[names->rows[first].index].name));
	}
}

static void complain_pool(const struct draft *draft, const struct named *first,
	const struct named *second, struct complaints *complaints)
{
	const struct pool *a = &draft->model->pools[first->index];
	const struct pool *b = &draft->model->pools[second->index];

	/* Two VIPs of one name, said already. */
	if (a->inline_pool && b->inline_pool)
		return;
	complain_error(complaints, draft->pools[second->index].name,
		b->inline_pool ? "the backends of VIP %s make a pool of its name, and there is one "
				 "already (" PLACE ")"
			       : "pool %s exists already (" PLACE ")",
		second->name, PLACE_ARGS(draft->pools[first->index].name));
}

static void verify_pools(
	const struct draft *draft, const struct names *names, struct complaints *complaints)
{
	for (size_t i = 1, first = 0; i < names->n && !complaints_full(complaints); i++) {
		if (strcmp(names->rows[i].name, names->rows[first].name))
			first = i;
		else
			complain_pool(draft, &names->rows[first], &names->rows[i], complaints);
	}
}

static void complain_unknown(
	const struct names *pools, const struct vip_places *places, struct complaints *complaints)
{
	_free_ const char **names = calloc(MAX(pools->n, 1), sizeof(*names));
	const char *nearest;

	if (!names) {
		complaints->no_memory = true;
		return;
	}
	for (size_t i = 0; i < pools->n; i++)
		names[i] = pools->rows[i].name;
	nearest = util_nearest(places->pool_name, names, pools->n);
	if (nearest)
		complain_error(complaints, places->pool, "unknown pool '%s' (did you mean '%s'?)",
			places->pool_name, nearest);
	else
		complain_error(complaints, places->pool, "unknown pool '%s'", places->pool_name);
}

static void resolve_pools(
	const struct draft *draft, const struct names *pools, struct complaints *complaints)
{
	for (size_t i = 0; i < draft->model->n_vips && !complaints_full(complaints); i++) {
		struct vip *vip = &draft->model->vips[i];

		if (!draft->vips[i].pool_name || vip->pool != DRAFT_NO_POOL)
			continue;
		vip->pool = names_find(pools, draft->vips[i].pool_name);
		if (vip->pool == DRAFT_NO_POOL)
			complain_unknown(pools, &draft->vips[i], complaints);
	}
}

void verify_names(struct draft *draft, struct complaints *complaints)
{
	const struct model *model = draft->model;
	struct names vips = {}, pools = {};

	if (names_sort(&vips, model->vips, model->n_vips, sizeof(struct vip),
		    offsetof(struct vip, name)) ||
		names_sort(&pools, model->pools, model->n_pools, sizeof(struct pool),
			offsetof(struct pool, name))) {
		complaints->no_memory = true;
	} else {
		verify_vips(draft, &vips, complaints);
		verify_pools(draft, &pools, complaints);
		resolve_pools(draft, &pools, complaints);
	}
	free(vips.rows);
	free(pools.rows);
}
