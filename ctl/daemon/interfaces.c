/* SPDX-License-Identifier: BSD-2-Clause */
/* The program on its interfaces: attached, watched, attached again. */
#include "daemon/daemon.h"

#include <errno.h>

int interfaces_init(struct daemon *daemon)
{
	for (size_t i = 0; i < daemon->settings.n_interfaces; i++) {
		daemon->interfaces[i].name = strdup(daemon->settings.interfaces[i]);
		if (!daemon->interfaces[i].name)
			return -ENOMEM;
	}
	return 0;
}

void interfaces_clear(struct daemon *daemon)
{
	for (size_t i = 0; i < daemon->settings.n_interfaces; i++) {
		free(daemon->interfaces[i].name);
		free(daemon->interfaces[i].note);
	}
}

/* True if the note is news. */
static bool set_note(struct interface *interface, const char *note)
{
	bool same =
		interface->note && note ? !strcmp(interface->note, note) : interface->note == note;

	if (same)
		return false;
	free(interface->note);
	interface->note = note ? strdup(note) : NULL;
	return true;
}

static void detached(struct daemon *daemon, struct interface *interface, const char *why)
{
	bool was_attached = interface->mode != DATAPLANE_DETACHED;

	interface->mode = DATAPLANE_DETACHED;
	if (set_note(interface, why) || was_attached)
		events_emit(daemon->events, EVENT_ERROR, "detached", "interface", interface->name,
			"why", why, NULL);
}

static void attach(struct daemon *daemon, struct interface *interface)
{
	static const enum dataplane_mode forced[] = {
		[SETTINGS_XDP_AUTO] = DATAPLANE_DETACHED,
		[SETTINGS_XDP_NATIVE] = DATAPLANE_NATIVE,
		[SETTINGS_XDP_GENERIC] = DATAPLANE_GENERIC,
	};
	_free_ char *error = NULL;
	enum dataplane_mode mode;
	int err = net_vlan_offload_off(interface->name);

	if (err) {
		detached(daemon, interface,
			event_text("cannot turn receive VLAN offload off (%s): a tag in metadata "
				   "would be "
				   "lost",
				strerror(-err)));
		return;
	}
	err = dataplane_attach(daemon->dp, interface->ifindex, interface->name,
		forced[daemon->settings.xdp], &mode, &error);
	if (err) {
		detached(daemon, interface, error ? error : strerror(-err));
		return;
	}
	interface->mode = mode;
	set_note(interface, mode == DATAPLANE_GENERIC && daemon->settings.xdp == SETTINGS_XDP_AUTO
				    ? "the driver has no native XDP: slower"
				    : NULL);
	events_emit(daemon->events, EVENT_NOTICE, "attached", "interface", interface->name, "mode",
		mode == DATAPLANE_NATIVE ? "native" : "generic", "program",
		event_text("%u", dataplane_program_id(daemon->dp)), "frames",
		dataplane_takes_frags(daemon->dp, interface->ifindex) ? "pieces" : "whole", NULL);
	announce_update(daemon);
}

static void check(struct daemon *daemon, struct interface *interface)
{
	struct net_link link;

	if (net_link(daemon->net, interface->name, &link)) {
		interface->ifindex = 0;
		detached(daemon, interface, "there is no such interface; I wait for it");
		return;
	}
	interface->ifindex = link.ifindex;
	if (interface->mode != DATAPLANE_DETACHED &&
		dataplane_attached(daemon->dp, link.ifindex, interface->name) == interface->mode)
		return;
	if (interface->mode != DATAPLANE_DETACHED)
		detached(daemon, interface, "the program was taken off the interface");
	attach(daemon, interface);
}

void interfaces_check(struct daemon *daemon)
{
	if (!daemon->published)
		return;
	for (size_t i = 0; i < daemon->settings.n_interfaces; i++)
		check(daemon, &daemon->interfaces[i]);
}

void interfaces_link_changed(void *data, const struct net_link *link, bool gone)
{
	struct daemon *daemon = data;

	(void)gone;
	if (!daemon->published)
		return;
	for (size_t i = 0; i < daemon->settings.n_interfaces; i++)
		if (!strcmp(daemon->interfaces[i].name, link->name))
			check(daemon, &daemon->interfaces[i]);
}
