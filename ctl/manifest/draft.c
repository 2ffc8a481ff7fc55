/* SPDX-License-Identifier: BSD-2-Clause */
#include "manifest/draft.h"

#include <errno.h>

int draft_add_pool(struct draft *draft, size_t *ret)
{
	struct model *model = draft->model;
	size_t n = model->n_pools;

	if (util_grow(&model->pools, n, sizeof(*model->pools)) ||
		util_grow(&draft->pools, n, sizeof(*draft->pools)))
		return -ENOMEM;
	model->pools[n] = (struct pool){.panic = 50};
	draft->pools[n] = (struct pool_places){};
	*ret = model->n_pools++;
	return 0;
}

int draft_add_vip(struct draft *draft, size_t *ret)
{
	struct model *model = draft->model;
	size_t n = model->n_vips;

	if (util_grow(&model->vips, n, sizeof(*model->vips)) ||
		util_grow(&draft->vips, n, sizeof(*draft->vips)))
		return -ENOMEM;
	model->vips[n] = (struct vip){
		.proto = IPPROTO_TCP,
		.on_empty = MUSTER_ON_EMPTY_REJECT,
		.gue_port = htons(MODEL_GUE_PORT),
		.announce = true,
		.pool = DRAFT_NO_POOL,
	};
	draft->vips[n] = (struct vip_places){};
	*ret = model->n_vips++;
	return 0;
}

void draft_clear(struct draft *draft)
{
	for (size_t i = 0; i < draft->model->n_pools; i++)
		free(draft->pools[i].backends);
	for (size_t i = 0; i < draft->model->n_vips; i++) {
		free(draft->vips[i].addrs);
		free(draft->vips[i].ports);
		free(draft->vips[i].pool_name);
	}
	free(draft->pools);
	free(draft->vips);
	*draft = (struct draft){};
}
