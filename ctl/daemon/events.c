/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/events.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <time.h>

#define EVENTS_KEPT 1024

struct events {
	json_t *ring[EVENTS_KEPT];
	uint64_t next;
	void (*wake)(void *data);
	void *data;
};

int events_new(struct events **ret, void (*wake)(void *data), void *data)
{
	struct events *events = calloc(1, sizeof(*events));

	if (!events)
		return -ENOMEM;
	events->wake = wake;
	events->data = data;
	events->next = 1;
	*ret = events;
	return 0;
}

void events_free(struct events **events)
{
	if (!*events)
		return;
	for (size_t i = 0; i < EVENTS_KEPT; i++)
		json_decref((*events)->ring[i]);
	free(*events);
	*events = NULL;
}

static void put_value(FILE *out, const char *value)
{
	bool plain = *value;

	for (const char *c = value; *c; c++)
		plain &= isgraph((unsigned char)*c) && *c != '"' && *c != '=' && *c != '\\';
	if (plain) {
		fputs(value, out);
		return;
	}
	fputc('"', out);
	for (const char *c = value; *c; c++) {
		if (*c == '"' || *c == '\\')
			fprintf(out, "\\%c", *c);
		else if (*c == '\n')
			fputs("\\n", out);
		else
			fputc(isprint((unsigned char)*c) || (unsigned char)*c >= 0x80 ? *c : '?',
				out);
	}
	fputc('"', out);
}

static void time_text(char *buf, size_t n)
{
	char seconds[24];
	struct timespec now;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf, n, "%s.%06ldZ", seconds, now.tv_nsec / 1000);
}

/* Under systemd the journal has the time and wants the level as "<N>". */
static void log_line(enum event_level level, const char *time, const char *text)
{
	static const char *const names[] = {
		[EVENT_ERROR] = "error",
		[EVENT_WARNING] = "warning",
		[EVENT_NOTICE] = "notice",
		[EVENT_INFO] = "info",
	};

	if (getenv("JOURNAL_STREAM"))
		fprintf(stderr, "<%d>level=%s %s\n", level, names[level], text);
	else
		fprintf(stderr, "ts=%s level=%s %s\n", time, names[level], text);
}

void events_emit(struct events *events, enum event_level level, const char *name, ...)
{
	json_t *fields = json_object();
	_free_ char *text = NULL;
	const char *key, *value;
	char time[48];
	size_t n;
	va_list args;
	FILE *out = open_memstream(&text, &n);

	if (!out || !fields) {
		json_decref(fields);
		return;
	}
	time_text(time, sizeof(time));
	fprintf(out, "event=%s", name);
	va_start(args, name);
	while ((key = va_arg(args, const char *))) {
		value = va_arg(args, const char *);
		if (!value)
			continue;
		fprintf(out, " %s=", key);
		put_value(out, value);
		json_object_set_new(fields, key, json_string(value));
	}
	va_end(args);
	fclose(out);
	log_line(level, time, text);
	if (!events) {
		json_decref(fields);
		return;
	}
	json_object_set_new(fields, "seq", json_integer((json_int_t)events->next));
	json_object_set_new(fields, "time", json_string(time));
	json_object_set_new(fields, "level", json_integer(level));
	json_object_set_new(fields, "event", json_string(name));
	json_object_set_new(fields, "text", json_string(text));
	json_decref(events->ring[events->next % EVENTS_KEPT]);
	events->ring[events->next++ % EVENTS_KEPT] = fields;
	if (events->wake)
		events->wake(events->data);
}

uint64_t events_next(const struct events *events)
{
	return events->next;
}

json_t *events_since(const struct events *events, uint64_t since, uint64_t *ret_next)
{
	uint64_t oldest = events->next > EVENTS_KEPT ? events->next - EVENTS_KEPT : 1;
	json_t *array = json_array();

	for (uint64_t seq = MAX(since, oldest); seq < events->next; seq++)
		json_array_append(array, events->ring[seq % EVENTS_KEPT]);
	*ret_next = events->next;
	return array;
}

const char *event_text(const char *format, ...)
{
	static char buffers[8][256];
	static unsigned turn;
	char *buffer = buffers[turn++ % ARRAY_SIZE(buffers)];
	va_list args;

	va_start(args, format);
	vsnprintf(buffer, sizeof(buffers[0]), format, args);
	va_end(args);
	return buffer;
}

const char *event_duration(uint64_t ms)
{
	unsigned long long s = ms / 1000;

	if (s < 60)
		return event_text("%llu.%llus", s, (unsigned long long)ms % 1000 / 100);
	if (s < 3600)
		return event_text("%llum%02llus", s / 60, s % 60);
	return event_text("%lluh%02llum", s / 3600, s / 60 % 60);
}
