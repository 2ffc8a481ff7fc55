/* SPDX-License-Identifier: BSD-2-Clause */
#include "manifest/yaml_error.h"

#include "core/addr.h"

/* Sorted by nothing but how often people meet them. */
static const struct {
	const char *problem, *text;
	bool at_context; /* the cause is where the surrounding thing began */
} translations[] = {
	{"mapping values are not allowed in this context",
		"a ':' that no key may have here: check the indentation, or quote the text", false},
	{"did not find expected key", "the indentation fits no key above", false},
	{"did not find expected '-' indicator", "the indentation fits no list entry above", false},
	{"block sequence entries are not allowed in this context",
		"a list entry ('- ') may not begin here", false},
	{"could not find expected ':'", "a key without ':'", true},
	{"did not find expected ',' or ']'", "the [ that begins here lacks a ',' or a ']'", true},
	{"did not find expected ',' or '}'", "the { that begins here lacks a ',' or a '}'", true},
	{"found unexpected end of stream", "the quote that begins here has no end", true},
	{"found unexpected document indicator", "the quote that begins here has no end", true},
	{"did not find expected <document start>",
		"text after the end of the document; begin a new one with ---", false},
	{"found a tab character that violates indentation", "a tab cannot indent YAML; use spaces",
		false},
};

/* The line of the document that @mark lies in: its start; *ret_end is its end. */
static const char *line_at(
	const struct source_document *document, const yaml_mark_t *mark, const char **ret_end)
{
	const char *p = document->text, *end = p + document->n;

	for (size_t line = 0; p < end && line < mark->line; p++)
		line += *p == '\n' || (*p == '\r' && (p + 1 == end || p[1] != '\n'));
	*ret_end = p;
	while (*ret_end < end && **ret_end != '\n' && **ret_end != '\r')
		++*ret_end;
	return p;
}

/* @col counts characters, not bytes. */
static const char *skip_columns(const char *p, const char *end, size_t col)
{
	while (p < end && col) {
		p++;
		while (p < end && ((unsigned char)*p & 0xc0) == 0x80)
			p++;
		col--;
	}
	return p;
}

static bool is_address_byte(char byte)
{
	return byte && strchr("0123456789abcdefABCDEF:.", byte);
}

/*
 * An unquoted IPv6 address inside [ ] or { } is no YAML if it begins or ends with ':'. If the error
 * at @p (in the line @begin to @end) is about one, copies it.
 */
static bool find_address(
	const char *begin, const char *end, const char **p, char ret_text[ADDR_TEXT])
{
	struct muster_addr addr;
	const char *stop = *p;
	size_t n;

	while (*p > begin && is_address_byte((*p)[-1]))
		--*p;
	while (stop < end && is_address_byte(*stop))
		stop++;
	n = (size_t)(stop - *p);
	if (n >= ADDR_TEXT)
		return false;
	memcpy(ret_text, *p, n);
	ret_text[n] = '\0';
	return strchr(ret_text, ':') && !addr_parse(ret_text, &addr);
}

/* The bracket that is open at @p. */
static const char *open_brackets(const char *begin, const char *p)
{
	for (int depth = 0; p > begin; p--) {
		if (strchr("]}", p[-1]))
			depth++;
		else if (strchr("[{", p[-1]) && !depth--)
			return p[-1] == '[' ? "[ ]" : "{ }";
	}
	return NULL;
}

static bool complain_address(struct complaints *complaints, struct origin where, const char *begin,
	const char *at, const char *end)
{
	char text[ADDR_TEXT];
	const char *p = at, *brackets;

	if (!find_address(begin, end, &p, text))
		return false;
	brackets = open_brackets(begin, p);
	where.col -= (unsigned)(at - p);
	complain_error(complaints, where, "IPv6 addresses in %s must be quoted: \"%s\"",
		brackets ? brackets : "[ ]", text);
	return true;
}

static struct origin place(
	const char *file, const struct source_document *document, const yaml_mark_t *mark)
{
	return (struct origin){
		.file = file,
		.line = document->first_line + (unsigned)mark->line,
		.col = (unsigned)mark->column + 1,
	};
}

static void translate(struct complaints *complaints, const char *file, const yaml_parser_t *parser,
	const struct source_document *document)
{
	struct origin where = place(file, document, &parser->problem_mark);

	for (size_t i = 0; i < ARRAY_SIZE(translations); i++) {
		if (strcmp(parser->problem, translations[i].problem))
			continue;
		if (translations[i].at_context)
			where = place(file, document, &parser->context_mark);
		complain_error(complaints, where, "%s", translations[i].text);
		return;
	}
	complain_error(complaints, where, "%s%s%s", parser->problem, parser->context ? " " : "",
		parser->context ? parser->context : "");
}

void yaml_error_complain(struct complaints *complaints, const char *file,
	const yaml_parser_t *parser, const struct source_document *document)
{
	const yaml_mark_t *mark = &parser->problem_mark;
	struct origin where = place(file, document, mark);
	const char *begin, *end, *at;

	if (parser->error == YAML_MEMORY_ERROR || !parser->problem) {
		complaints->no_memory = true;
		return;
	}
	begin = line_at(document, mark, &end);
	at = skip_columns(begin, end, mark->column);
	if (complain_address(complaints, where, begin, at, end))
		return;
	if (strcmp(parser->problem, "found character that cannot start any token") || at == end)
		translate(complaints, file, parser, document);
	else if (*at == '\t')
		complain_error(complaints, where, "a tab cannot indent YAML; use spaces");
	else
		complain_error(complaints, where, "'%c' cannot begin a word; quote the text", *at);
}
