/* SPDX-License-Identifier: BSD-2-Clause */
/* libyaml's complaints in words that say what to do. */
#ifndef MUSTER_MANIFEST_YAML_ERROR_H
#define MUSTER_MANIFEST_YAML_ERROR_H

#include "manifest/source.h"

#include <yaml.h>

void yaml_error_complain(struct complaints *complaints, const char *file,
	const yaml_parser_t *parser, const struct source_document *document);

#endif
