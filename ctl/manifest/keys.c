/* SPDX-License-Identifier: BSD-2-Clause */
#include "manifest/draft.h"
#include "manifest/manifest.h"

#include <assert.h>

#define KEYS_MAX      128
#define KEY_BYTES_MAX 48

static struct {
	char text[KEYS_MAX][KEY_BYTES_MAX];
	const char *keys[KEYS_MAX];
	size_t n;
} all;

static void add_schema(const char *prefix, const struct schema *schema)
{
	for (size_t i = 0; i < schema->n; i++) {
		char *text;

		assert(all.n < KEYS_MAX);
		text = all.text[all.n];
		snprintf(text, KEY_BYTES_MAX, "%s.%s", prefix, schema->fields[i].key);
		all.keys[all.n++] = text;
		if (schema->fields[i].schema)
			add_schema(text, schema->fields[i].schema);
	}
}

const char *const *manifest_keys(size_t *ret_n)
{
	if (!all.n) {
		add_schema("Vip", &vip_schema);
		add_schema("Pool", &pool_schema);
		add_schema("musterd", &settings_schema);
	}
	*ret_n = all.n;
	return all.keys;
}
