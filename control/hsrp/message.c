/* The messages of a group, and how they are authenticated. See group.h. */
#include "control/hsrp/internal.h"
#include "lib/mem.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void hsrp_debug(const struct hsrp_group *g, enum hsrp_debug cls, const char *fmt, ...)
{
    char text[200], line[256];
    va_list ap;
    if (!g->host->debugs(g->host->ctx, cls))
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    snprintf(line, sizeof(line), "HSRP: %s Grp %u %s", g->link.shortname, g->cfg.number, text);
    g->host->debug(g->host->ctx, line);
}

void hsrp_debug_packet(const struct hsrp_group *g, enum hsrp_op op, bool in, const struct addr *who,
                       enum hsrp_state s, uint32_t priority, const struct addr *vip)
{
    static const char *const names[] = {"Hello", "Coup", "Resign", "Adv"};
    char a[ADDR_STRLEN], v[ADDR_STRLEN] = "0.0.0.0";
    if (addr_is_set(vip))
        addr_print(vip, v, sizeof(v));
    hsrp_debug(g, op == HSRP_HELLO ? HSRP_DBG_PACKETS : HSRP_DBG_TERSE,
               "%-6s %-3s %s %s pri %u vIP %s", names[op], in ? "in" : "out",
               addr_print(who, a, sizeof(a)), hsrp_state_name(s), priority, v);
}

void hsrp_group_mac(const struct hsrp_group *g, uint8_t mac[HSRP_MAC])
{
    if (g->cfg.has_mac)
        memcpy(mac, g->cfg.mac, HSRP_MAC);
    else if (g->cfg.use_bia)
        memcpy(mac, g->link.mac, HSRP_MAC);
    else
        hsrp_virtual_mac(g->cfg.version, g->cfg.number, mac);
}

size_t hsrp_group_frame(const struct hsrp_group *g, enum hsrp_op op, uint8_t out[HSRP_FRAME])
{
    const struct hsrp_cfg *c = &g->cfg;
    uint8_t message[HSRP_MESSAGE], mac[HSRP_MAC];
    struct hsrp_message m = {.version = c->version,
                             .op = op,
                             .state = g->state,
                             .group = c->number,
                             .priority = g->priority,
                             .hello_ms = g->hello_ms,
                             .hold_ms = g->hold_ms,
                             .vip = g->vip,
                             .auth = c->auth};
    memcpy(m.mac, g->link.mac, HSRP_MAC);
    if (c->auth == HSRP_AUTH_MD5) {
        m.md5.sender = g->link.addr;
        m.md5.key = c->n_key ? c->key[0].id : 0;
    } else {
        memcpy(m.text, c->text, HSRP_TEXT);
    }
    size_t n = hsrp_write(&m, message);
    if (c->auth == HSRP_AUTH_MD5 && (!c->n_key || hsrp_digest(c->key[0].key, c->key[0].len, message,
                                                              n, message + hsrp_digest_at(n)) < 0))
        return 0; /* no key: silence, as nobody would believe it */
    /* The active router speaks as the virtual router, so that switches know where that is: not any
     * more here when it resigns. */
    memcpy(mac, g->link.mac, HSRP_MAC);
    if (g->state == HSRP_ACTIVE && op != HSRP_RESIGN)
        hsrp_group_mac(g, mac);
    return hsrp_frame(mac, &g->link.addr, c->version, message, n, out);
}

void hsrp_group_told_out(struct hsrp_group *g, enum hsrp_op op, uint64_t n)
{
    g->out[op] += n;
    hsrp_debug_packet(g, op, false, &g->link.addr, g->state, g->priority, &g->vip);
}

/* --- authentication -------------------------------------------------------------------------- */

static bool digest_fits(const struct hsrp_key *k, const struct hsrp_message *m, const uint8_t *p,
                        size_t n)
{
    uint8_t want[HSRP_MD5];
    bool ok = k->id == m->md5.key && hsrp_digest(k->key, k->len, p, n, want) == 0 &&
              mem_equal_ct(want, m->md5.digest, HSRP_MD5);
    mem_wipe(want, sizeof(want));
    return ok;
}

bool hsrp_group_authentic(const struct hsrp_group *g, const struct hsrp_message *m,
                          const uint8_t *p, size_t n)
{
    const struct hsrp_cfg *c = &g->cfg;
    if (m->auth != c->auth)
        return false;
    if (c->auth == HSRP_AUTH_TEXT)
        return memcmp(m->text, c->text, HSRP_TEXT) == 0;
    for (unsigned i = 0; i < c->n_key; i++)
        if (digest_fits(&c->key[i], m, p, n))
            return true;
    return g->old_key.len && clock_mono(g->host->clock) < g->old_key_until &&
           digest_fits(&g->old_key, m, p, n);
}

static bool same_key(const struct hsrp_key *a, const struct hsrp_key *b)
{
    return a->len == b->len && mem_equal_ct(a->key, b->key, a->len);
}

void hsrp_group_retire_key(struct hsrp_group *g, const struct hsrp_cfg *next)
{
    const struct hsrp_cfg *c = &g->cfg;
    if (c->auth != HSRP_AUTH_MD5 || c->chain || !c->n_key || next->auth != HSRP_AUTH_MD5 ||
        !next->n_key || !next->key_timeout || same_key(&c->key[0], &next->key[0]))
        return;
    g->old_key = c->key[0];
    g->old_key_until = clock_mono(g->host->clock) + next->key_timeout * USEC_PER_SEC;
}
