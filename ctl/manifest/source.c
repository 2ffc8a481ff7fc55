/* SPDX-License-Identifier: BSD-2-Clause */
#include "manifest/source.h"

static const char bom[] = "\xef\xbb\xbf";

/* Bytes of the UTF-8 sequence at @p, 0 if it is none (RFC 3629); *ret_code is the character. */
static size_t utf8_decode(const unsigned char *p, size_t left, uint32_t *ret_code)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = *p < 0x80   ? 1
		   : *p < 0xc0 ? 0
		   : *p < 0xe0 ? 2
		   : *p < 0xf0 ? 3
		   : *p < 0xf8 ? 4
			       : 0;
	uint32_t code = n == 1 ? *p : *p & (0x7f >> n);

	if (!n || n > left)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (p[i] & 0x3f);
	}
	if (code < smallest[n] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return 0;
	*ret_code = code;
	return n;
}

static bool is_control(uint32_t code)
{
	return (code < 0x20 && code != '\t' && code != '\n' && code != '\r') ||
	       (code >= 0x7f && code < 0xa0) || code == 0x2028 || code == 0x2029 ||
	       code == 0xfeff || code == 0xfffe || code == 0xffff;
}

static bool at_line_end(const char *p, const char *end)
{
	return p == end || *p == '\n' || *p == '\r';
}

static const char *line_end(const char *p, const char *end)
{
	while (!at_line_end(p, end))
		p++;
	return p;
}

/* Past the line break at @p. */
static const char *skip_break(const char *p, const char *end)
{
	if (p == end)
		return p;
	return p + (p[0] == '\r' && p + 1 < end && p[1] == '\n' ? 2 : 1);
}

/* One line; false after a complaint. */
static bool check_line(
	const char *p, const char *end, struct origin where, struct complaints *complaints)
{
	uint32_t code;
	size_t n;

	if (p < end && *p == '%') {
		complain_error(complaints, where, "directives (%%YAML, %%TAG) are not supported");
		return false;
	}
	for (; p < end; p += n, where.col++) {
		n = utf8_decode((const unsigned char *)p, (size_t)(end - p), &code);
		if (!n) {
			complain_error(complaints, where, "invalid UTF-8 (byte 0x%02x)",
				(unsigned char)*p);
			return false;
		}
		if (is_control(code)) {
			complain_error(complaints, where, "control character U+%04X", code);
			return false;
		}
	}
	return true;
}

bool source_check(
	const struct manifest_source *source, const char *file, struct complaints *complaints)
{
	struct origin where = {file, 0, 0};
	struct source_cursor cursor;
	const char *stop;

	if (source->n > MANIFEST_BYTES_MAX) {
		complain_error(complaints, where, "larger than 1 MiB");
		return false;
	}
	source_begin(&cursor, source);
	for (where.line = cursor.line; cursor.p < cursor.end; where.line++) {
		stop = line_end(cursor.p, cursor.end);
		where.col = 1;
		if (!check_line(cursor.p, stop, where, complaints))
			return false;
		cursor.p = skip_break(stop, cursor.end);
	}
	return true;
}

void source_begin(struct source_cursor *cursor, const struct manifest_source *source)
{
	cursor->p = source->text;
	cursor->end = source->text + source->n;
	cursor->line = MAX(source->first_line, 1);
	if (source->n >= strlen(bom) && !memcmp(source->text, bom, strlen(bom)))
		cursor->p += strlen(bom);
}

static const char *skip_blanks(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	return p;
}

/* Only blanks and a comment from @p to the end of the line? */
static bool is_empty_line(const char *p, const char *end)
{
	p = skip_blanks(p, end);
	return at_line_end(p, end) || *p == '#';
}

/* Does the line at @p begin with the document marker @marker ("---" or "...")? */
static bool is_marker(const char *p, const char *end, const char *marker)
{
	return end - p >= 3 && !memcmp(p, marker, 3) &&
	       (at_line_end(p + 3, end) || p[3] == ' ' || p[3] == '\t');
}

static void next_line(struct source_cursor *cursor)
{
	cursor->p = skip_break(line_end(cursor->p, cursor->end), cursor->end);
	cursor->line++;
}

/* To the first line with content; markers that nothing follows are as good as blank. */
static void skip_empty(struct source_cursor *cursor)
{
	const char *rest;

	while (cursor->p < cursor->end) {
		rest = cursor->p;
		if (is_marker(rest, cursor->end, "---") || is_marker(rest, cursor->end, "..."))
			rest += 3;
		if (!is_empty_line(rest, cursor->end))
			return;
		next_line(cursor);
	}
}

bool source_next(struct source_cursor *cursor, struct source_document *ret)
{
	skip_empty(cursor);
	if (cursor->p == cursor->end)
		return false;
	*ret = (struct source_document){.text = cursor->p, .first_line = cursor->line};
	do
		next_line(cursor);
	while (cursor->p < cursor->end && !is_marker(cursor->p, cursor->end, "---"));
	ret->n = (size_t)(cursor->p - ret->text);
	return true;
}
