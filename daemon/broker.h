/*
 * The broker: what the engine may have done with root's rights, and nothing more.
 *
 * A request (lib/launchproto.h) is checked against the limits of this page, carried out, and
 * answered with 0 or -errno and a sentence for people. It keeps the TUNs it opened, so that they
 * outlive a datapath, and remembers what it must put back: links' state and MTU, sysctls.
 *
 * Limits: links other than loopback; unicast addresses; routes in main and in
 * TANDEM_RT_TABLE only, always under our protocol number; rules below priority 32766 that point
 * to those tables; TUNs and VLAN devices that did not exist; files named in save.c. Nothing of
 * others is removed.
 */
#ifndef TANDEM_DAEMON_BROKER_H
#define TANDEM_DAEMON_BROKER_H

#include "lib/launchproto.h"
#include "lib/log.h"
#include <stddef.h>

struct broker;

struct broker_opts {
    int state_dir; /* directory fd of saved files; stays the caller's */
    struct log *log;
    /* A TUN to hand to the datapath; fd stays the broker's. -1: it is gone. May be NULL. */
    void (*tun)(void *ctx, const struct lm_tun *t, int fd);
    void (*reload)(void *ctx); /* asked for; to be done from the loop, not from here */
    void *ctx;
};

#define BROKER_TEXT 256

/* Opens the kernel, removes left-overs with our tag, turns forwarding on. NULL with a text. */
struct broker *broker_new(const struct broker_opts *o, char *why, size_t cap);
/* Puts everything back and removes all that is ours. */
void broker_free(struct broker *b);
/* TUNs, rules, routes, addresses and link changes go, as before a fresh start. */
void broker_reset(struct broker *b);
/* Handles one request. fd: -1 or what came with it, stays the caller's. Fills *reply and, when
 * reply->err != 0, text. Returns 0, or -EPROTO when it is no request that can be answered. */
int broker_request(struct broker *b, uint16_t type, const void *data, size_t len, int fd,
                   struct lm_reply *reply, char *text, size_t cap);
/* Every open TUN, for a datapath that has just been started. */
void broker_each_tun(const struct broker *b, void (*fn)(void *ctx, const struct lm_tun *t, int fd),
                     void *ctx);

#endif
