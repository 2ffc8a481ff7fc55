/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/image.h"

#include <errno.h>

struct block *block_ref(struct block *block)
{
	block->references++;
	return block;
}

void block_unref(struct block **block)
{
	struct block *b = *block;

	*block = NULL;
	if (!b || --b->references)
		return;
	free(b->members);
	free(b);
}

int image_new(struct image **ret)
{
	struct image *image = calloc(1, sizeof(*image));

	if (!image)
		return -ENOMEM;
	*ret = image;
	return 0;
}

void image_free(struct image **image)
{
	struct image *i = *image;

	if (!i)
		return;
	for (size_t r = 0; r < i->n_rings; r++) {
		ring_unref(&i->rings[r].ring);
		block_unref(&i->rings[r].block);
	}
	for (size_t b = 0; b < i->n_blocks; b++)
		block_unref(&i->blocks[b]);
	free(i->services);
	free(i->rings);
	free(i->blocks);
	free(i);
	*image = NULL;
}

int image_compare_services(const void *left, const void *right)
{
	const struct image_service *a = left, *b = right;

	return memcmp(&a->key, &b->key, sizeof(a->key));
}

struct image_service *image_find_service(const struct image *image, const struct muster_key *key)
{
	struct image_service wanted = {.key = *key};

	if (!image->n_services)
		return NULL;
	return bsearch(&wanted, image->services, image->n_services, sizeof(*image->services),
		image_compare_services);
}
