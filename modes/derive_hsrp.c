/*
 * Groups of HSRP of the intent.
 */
#include "lib/mem.h"
#include "lib/str.h"
#include "modes/derive.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool derive_mac(const char *text, uint8_t mac[6])
{
    unsigned a, b, c;
    int end = 0;
    if (sscanf(text, "%4x.%4x.%4x%n", &a, &b, &c, &end) != 3 || text[end] || text[0] == '-')
        return false;
    const unsigned v[] = {a, b, c};
    for (unsigned i = 0; i < 3; i++) {
        mac[2 * i] = (uint8_t)(v[i] >> 8);
        mac[2 * i + 1] = (uint8_t)v[i];
    }
    return true;
}

static void set_key(struct hsrp_key *k, uint32_t id, const char *text)
{
    size_t n = strlen(text);
    k->id = id;
    k->len = (uint16_t)(n < HSRP_KEY ? n : HSRP_KEY);
    memcpy(k->key, text, k->len);
}

static void set_chain(const struct derive *d, struct hsrp_cfg *c, const char *name)
{
    const struct cfg_node *chain = cfg_find_word(d->tree->root, E_KEY_CHAIN, name);
    c->chain = true;
    str_copy(c->chain_name, sizeof c->chain_name, name);
    if (!chain)
        return;
    cfg_each(chain, E_CHAIN_KEY, k)
    {
        const struct cfg_node *s = cfg_first(k, E_CHAIN_STRING);
        if (s && c->n_key < HSRP_KEYS)
            set_key(&c->key[c->n_key++], (uint32_t)CFG_ARGS(k, chain_key)->id,
                    CFG_ARGS(s, chain_string)->string);
    }
}

static void set_auth(const struct derive *d, const struct cfg_node *g, struct hsrp_cfg *c)
{
    const struct cfg_node *n = cfg_first(g, E_STANDBY_AUTH);
    const struct a_standby_auth *a = n ? CFG_ARGS(n, standby_auth) : NULL;
    const char *text = a && a->has_text ? a->text : "cisco"; /* RFC 2281 §5.1 */
    c->auth = a && !a->has_text ? HSRP_AUTH_MD5 : HSRP_AUTH_TEXT;
    if (c->auth == HSRP_AUTH_TEXT) {
        memcpy(c->text, text, strnlen(text, sizeof c->text));
    } else if (a->has_chain) {
        set_chain(d, c, a->chain);
    } else {
        c->n_key = 1;
        c->key_timeout = a->has_timeout ? (uint32_t)a->timeout : 0;
        set_key(&c->key[0], 0, a->string);
    }
}

static void set_times(const struct cfg_node *g, struct hsrp_cfg *c)
{
    const struct cfg_node *n = cfg_first(g, E_STANDBY_TIMERS);
    c->hello_ms = HSRP_HELLO_MS;
    c->hold_ms = HSRP_HOLD_MS;
    if (n) {
        const struct a_standby_timers *a = CFG_ARGS(n, standby_timers);
        c->timers = true;
        c->hello_msec = a->hello_msec;
        c->hold_msec = a->hold_msec;
        c->hello_ms = (uint32_t)a->hello * (a->hello_msec ? 1 : 1000);
        c->hold_ms = (uint32_t)a->hold * (a->hold_msec ? 1 : 1000);
    }
    if ((n = cfg_first(g, E_STANDBY_PREEMPT))) {
        const struct a_standby_preempt *a = CFG_ARGS(n, standby_preempt);
        c->preempt = true;
        c->preempt_min = (uint16_t)a->min;
        c->preempt_reload = (uint16_t)a->reload;
        c->preempt_sync = (uint16_t)a->sync;
    }
}

static void set_tracks(const struct cfg_node *g, struct hsrp_cfg *c)
{
    cfg_each(g, E_STANDBY_TRACK, n)
    {
        const struct a_standby_track *a = CFG_ARGS(n, standby_track);
        if (c->n_track == HSRP_TRACKS)
            return;
        c->track[c->n_track++] =
            (struct hsrp_track){.object = (uint32_t)a->object,
                                .decrement = (uint8_t)(a->has_decrement ? a->decrement : 10),
                                .shutdown = a->shutdown};
    }
    cfg_each(g, E_STANDBY_TRACK_IF, n)
    {
        const struct a_standby_track_if *a = CFG_ARGS(n, standby_track_if);
        if (c->n_track == HSRP_TRACKS)
            return;
        struct hsrp_track *t = &c->track[c->n_track++];
        *t = (struct hsrp_track){.decrement = (uint8_t)(a->has_decrement ? a->decrement : 10)};
        str_copy(t->ifname, sizeof t->ifname, a->name);
    }
}

static void set_addresses(const struct cfg_node *g, struct hsrp_cfg *c)
{
    const struct cfg_node *n = cfg_first(g, E_STANDBY_IP);
    c->ip = n != NULL;
    if (n && CFG_ARGS(n, standby_ip)->has_addr)
        c->vip = CFG_ARGS(n, standby_ip)->addr;
    cfg_each(g, E_STANDBY_IP2, s)
    {
        if (c->n_second < HSRP_SECONDS)
            c->second[c->n_second++] = CFG_ARGS(s, standby_ip2)->addr;
    }
    if ((n = cfg_first(g, E_STANDBY_MAC)))
        c->has_mac = derive_mac(CFG_ARGS(n, standby_mac)->mac, c->mac);
}

/* What its interface says for all groups. */
static void set_interface(const struct cfg_node *ifn, struct hsrp_cfg *c)
{
    const struct cfg_node *n = cfg_first(ifn, E_STANDBY_DELAY);
    c->version = 1;
    c->delay_min = 1;
    c->delay_reload = 5;
    if (n && CFG_ARGS(n, standby_delay)->has_min)
        c->delay_min = (uint32_t)CFG_ARGS(n, standby_delay)->min;
    if (n && CFG_ARGS(n, standby_delay)->has_reload)
        c->delay_reload = (uint32_t)CFG_ARGS(n, standby_delay)->reload;
    if ((n = cfg_first(ifn, E_STANDBY_VERSION)))
        c->version = (uint8_t)CFG_ARGS(n, standby_version)->version;
    c->use_bia = cfg_first(ifn, E_STANDBY_USE_BIA) != NULL;
}

void derive_group_name(const char *ifname, const struct cfg_node *g, char name[HSRP_NAME])
{
    const struct cfg_node *n = cfg_first(g, E_STANDBY_NAME);
    if (n)
        str_copy(name, HSRP_NAME, CFG_ARGS(n, standby_name)->name);
    else
        snprintf(name, HSRP_NAME, "hsrp-%.2s%.12s-%u", ifname,
                 ifname + strcspn(ifname, "0123456789"),
                 (unsigned)CFG_ARGS(g, standby_group)->group % 4096u);
}

static void one_group(const struct derive *d, const char *ifname, const struct cfg_node *ifn,
                      const struct cfg_node *g, struct intent_hsrp *out)
{
    struct hsrp_cfg *c = &out->cfg;
    const struct cfg_node *n;
    str_copy(out->ifname, sizeof out->ifname, ifname);
    set_interface(ifn, c);
    c->number = (uint16_t)CFG_ARGS(g, standby_group)->group;
    set_addresses(g, c);
    set_times(g, c);
    n = cfg_first(g, E_STANDBY_PRIORITY);
    c->priority = (uint8_t)(n ? CFG_ARGS(n, standby_priority)->priority : HSRP_PRIORITY);
    set_auth(d, g, c);
    set_tracks(g, c);
    c->named = cfg_first(g, E_STANDBY_NAME) != NULL;
    derive_group_name(ifname, g, c->name);
}

void derive_hsrp(struct derive *d)
{
    const struct cfg_node *root = d->tree->root;
    struct intent *out = d->out;
    size_t n = 0;
    cfg_each(root, E_INTERFACE, ifn) n += cfg_count(ifn, E_STANDBY_GROUP);
    if (n == 0)
        return;
    out->hsrp = arena_array(&out->arena, struct intent_hsrp, n);
    if (!out->hsrp)
        return;
    cfg_each(root, E_INTERFACE, ifn)
    {
        cfg_each(ifn, E_STANDBY_GROUP, g)
            one_group(d, CFG_ARGS(ifn, interface)->name, ifn, g, &out->hsrp[out->n_hsrp++]);
    }
}
