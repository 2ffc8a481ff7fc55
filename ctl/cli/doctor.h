/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_CLI_DOCTOR_H
#define MUSTER_CLI_DOCTOR_H

#include "core/settings.h"
#include "doctor/findings.h"

#include <jansson.h>

/* A VIP address and a backend of it, and the probe between them. */
struct reach;

struct doctor {
	json_t *status, *vips, *backends; /* NULL: no musterd */
	struct settings settings;
	bool has_settings;
	struct findings findings;
	struct reach *reaches;
	size_t n_reaches;
};

/* The string, or "". */
const char *doctor_text(const json_t *row, const char *key);

/* Judges the way from every VIP address to each of its backends; probes them, which takes seconds. */
void doctor_look_at_ways(struct doctor *doctor);

#endif
