/* SPDX-License-Identifier: BSD-2-Clause */
/* Values with a form of their own: durations and addresses. */
#include "manifest/fields.h"
#include "manifest/manifest.h"

static const struct {
	const char *name;
	uint32_t ms;
} units[] = {{"h", 3600 * 1000}, {"m", 60 * 1000}, {"s", 1000}, {"ms", 1}};

/* The largest unit that needs no fraction. */
static const char *duration_format(uint64_t ms, char *buf, size_t n)
{
	size_t i = 0;

	while (ms % units[i].ms)
		i++;
	snprintf(buf, n, "%llu%s", (unsigned long long)ms / units[i].ms, units[i].name);
	return buf;
}

/* "1.5" of a unit in whole milliseconds; at most three decimals. */
static bool parse_amount(const char *text, size_t n, uint32_t unit, uint64_t *ret)
{
	char digits[24], *dot, *rest;
	uint64_t whole, fraction = 0, scale = 1;

	if (n >= sizeof(digits))
		return false;
	memcpy(digits, text, n);
	digits[n] = '\0';
	dot = strchr(digits, '.');
	rest = dot ? dot + 1 : NULL;
	if (dot)
		*dot = '\0';
	if (!field_parse_number(digits, &whole) || whole > UINT32_MAX)
		return false;
	if (rest && (strlen(rest) > 3 || !field_parse_number(rest, &fraction)))
		return false;
	for (size_t i = 0; rest && rest[i]; i++)
		scale *= 10;
	*ret = whole * unit + fraction * unit / scale;
	return fraction * unit % scale == 0;
}

bool manifest_parse_duration(const char *text, uint64_t *ret)
{
	size_t n = strspn(text, "0123456789.");

	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (!strcmp(text + n, units[i].name))
			return parse_amount(text, n, units[i].ms, ret);
	return false;
}

void field_duration(const struct reading *r, const struct field *field, const struct node *value)
{
	const char *text = field_scalar(r, field, value, "a duration like 2s");
	char low[24], high[24];
	uint64_t ms;

	if (!text)
		return;
	if (field_parse_number(text, &ms)) {
		complain_error(r->complaints, value->where,
			"%s " QUOTED " has no unit: say 2s or "
			"200ms",
			field->key, text);
		return;
	}
	if (!manifest_parse_duration(text, &ms)) {
		complain_error(r->complaints, value->where,
			"%s " QUOTED " is not a duration: say 2s or 200ms", field->key, text);
		return;
	}
	if (ms < field->min || ms > field->max) {
		complain_error(r->complaints, value->where, "%s %.24s is out of range %s-%s",
			field->key, text, duration_format(field->min, low, sizeof(low)),
			duration_format(field->max, high, sizeof(high)));
		return;
	}
	*(uint32_t *)((char *)r->object + field->offset) = (uint32_t)ms;
}

static const char *address_hint(const char *text)
{
	const char *colon = strchr(text, ':');

	if (strchr(text, '/'))
		return " (no prefix length here)";
	if (*text == '[' || (colon && !strchr(colon + 1, ':')))
		return " (a port has a key of its own)";
	if (strchr(text, '%'))
		return " (no zone here)";
	if (!colon && strspn(text, "0123456789.") != strlen(text))
		return " (names are not resolved)";
	return "";
}

bool field_parse_address(const struct reading *r, const struct field *field,
	const struct node *value, const char *role, struct muster_addr *ret)
{
	const char *text = field_scalar(r, field, value, "an IP address");
	struct muster_addr addr;

	if (!text)
		return false;
	if (addr_parse(text, &addr)) {
		complain_error(r->complaints, value->where, QUOTED " is not an IP address%s", text,
			address_hint(text));
		return false;
	}
	if (addr_is_unusable(&addr)) {
		complain_error(r->complaints, value->where,
			"%s cannot be the address of %s: it is loopback, multicast, broadcast or "
			"unspecified",
			text, role);
		return false;
	}
	*ret = addr;
	return true;
}
