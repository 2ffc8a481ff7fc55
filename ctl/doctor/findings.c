/* SPDX-License-Identifier: BSD-2-Clause */
#include "doctor/findings.h"

#include <stdarg.h>

static const struct {
	const char *name;
	enum doctor_level level;
	const char *cure;
} kinds[] = {
#define F(id, level, cure) [DOCTOR_ID_##id] = {#id, DOCTOR_##level, cure},
	DOCTOR_FINDINGS(F)
#undef F
};

const char *doctor_id_name(enum doctor_id id)
{
	return kinds[id].name;
}

const char *doctor_level_name(enum doctor_level level)
{
	static const char *const names[] = {
		[DOCTOR_OK] = "ok",
		[DOCTOR_NOTE] = "note",
		[DOCTOR_SKIPPED] = "skipped",
		[DOCTOR_WARNING] = "warning",
		[DOCTOR_FAILED] = "FAILED",
	};

	return names[level];
}

/* "%s" in the cure becomes the subject. */
static char *make_cure(const char *cure, const char *subject)
{
	const char *hole = strstr(cure, "%s");
	char *made;

	if (!hole)
		return strdup(cure);
	return asprintf(&made, "%.*s%s%s", (int)(hole - cure), cure, subject, hole + 2) < 0 ? NULL
											    : made;
}

static struct finding *append(
	struct findings *findings, const char *subject, const char *text, va_list args)
{
	struct finding *row;

	if (util_grow(&findings->rows, findings->n, sizeof(*findings->rows))) {
		findings->no_memory = true;
		return NULL;
	}
	row = &findings->rows[findings->n];
	*row = (struct finding){.subject = strdup(subject)};
	if (vasprintf(&row->text, text, args) < 0)
		row->text = NULL;
	if (!row->subject || !row->text) {
		free(row->subject);
		free(row->text);
		findings->no_memory = true;
		return NULL;
	}
	findings->n++;
	return row;
}

void findings_add(
	struct findings *findings, enum doctor_id id, const char *subject, const char *text, ...)
{
	struct finding *row;
	va_list args;

	va_start(args, text);
	row = append(findings, subject, text, args);
	va_end(args);
	if (!row)
		return;
	row->id = kinds[id].name;
	row->level = kinds[id].level;
	row->cure = make_cure(kinds[id].cure, subject);
	findings->no_memory |= !row->cure;
}

void findings_ok(
	struct findings *findings, const char *what, const char *subject, const char *text, ...)
{
	struct finding *row;
	va_list args;

	va_start(args, text);
	row = append(findings, subject, text, args);
	va_end(args);
	if (row)
		row->id = what;
}

enum doctor_level findings_worst(const struct findings *findings)
{
	enum doctor_level worst = DOCTOR_OK;

	for (size_t i = 0; i < findings->n; i++)
		worst = MAX(worst, findings->rows[i].level);
	return worst;
}

void findings_clear(struct findings *findings)
{
	for (size_t i = 0; i < findings->n; i++) {
		free(findings->rows[i].subject);
		free(findings->rows[i].text);
		free(findings->rows[i].cure);
	}
	free(findings->rows);
	*findings = (struct findings){};
}
