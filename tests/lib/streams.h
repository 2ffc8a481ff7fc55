/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the two roles of streams agree on. A server says its name in a first line, then answers each byte
 * with one of its own. The client's bytes are a stream of the connection's key, the answers are the
 * received bytes XOR a stream of the server's name. So the client verifies both directions, and nothing that
 * another server answers, or what belongs to another connection, verifies.
 */
#ifndef MUSTER_TESTS_STREAMS_H
#define MUSTER_TESTS_STREAMS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define STREAMS_NAME 32 /* room for a server's name */

uint64_t streams_now_ns(void);

uint64_t streams_mix(uint64_t x);
uint64_t streams_name_key(const char *name);

/* XORs the stream of @key, from its byte @offset on, into @bytes. */
void streams_xor(uint64_t key, uint64_t offset, uint8_t *bytes, size_t n);

/* Exits with a message where @text or @port is none. */
socklen_t streams_address(const char *text, const char *port, struct sockaddr_storage *ret);

int streams_serve(int argc, char **argv);
int streams_load(int argc, char **argv);

#endif
