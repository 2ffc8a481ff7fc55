/* SPDX-License-Identifier: BSD-2-Clause */
/* Every key that manifests and musterd.yaml may have, one a line; for check_config_keys. */
#include "manifest/manifest.h"

int main(void)
{
	size_t n;
	const char *const *keys = manifest_keys(&n);

	for (size_t i = 0; i < n; i++)
		puts(keys[i]);
	return 0;
}
