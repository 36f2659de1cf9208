/* The standby's side of the protocol: it is told everything, and then each change. See sync.h. */
#include "control/sso/sync_priv.h"
#include "lib/mem.h"
#include <stdlib.h>
#include <string.h>

void sso_standby_drop_part(struct sso_sync *s)
{
    if (s->part.bytes) {
        mem_wipe(s->part.bytes, s->part.of.total);
        free(s->part.bytes);
    }
    s->part = (struct sso_part){0};
}

void sso_standby_forget(struct sso_sync *s)
{
    s->n_lease = 0;
    s->began = s->holds = s->handed = false;
    sso_standby_drop_part(s);
}

static void on_bulk_begin(struct sso_sync *s, const struct sso_message *m)
{
    if (s->active || m->epoch < s->epoch) {
        s->info.ignored++; /* who was active once and does not know better is told */
        sso_queue_owe(s, SSO_OWES_STATE);
        return;
    }
    sso_standby_drop_part(s);
    s->epoch = m->epoch;
    s->have = m->number;
    s->began = true;
    s->handed = false;
    s->phase = SSO_BULK;
    s->bulk_began = clock_mono(s->h.clock);
    s->info.bulks++;
    sso_lease_begin(s);
    s->h.begin(s->h.ctx);
    s->h.event(s->h.ctx, SSO_SYNC_BULK);
}

static void take(struct sso_sync *s, const struct sso_item *i, const uint8_t *p, size_t n)
{
    int err = s->h.take(s->h.ctx, i->kind, i->key, p, n, s->shift);
    s->info.records_rx++;
    if (err)
        s->info.refused++;
    if (i->kind != SSO_SA)
        return;
    if (n)
        sso_lease_record(s, i->key);
    else
        sso_sync_sa_gone(s, (uint32_t)i->key);
}

/* The stream keeps the order, so the next number is the next one. False: it is not. */
static bool take_part(struct sso_sync *s, const struct sso_item *i)
{
    struct sso_part *part = &s->part;
    if (!part->bytes) {
        if (i->number != s->have + 1 || i->offset)
            return false;
        if (i->len == i->total) {
            s->have = i->number;
            take(s, i, i->p, i->len);
            return true;
        }
        part->of = *i;
        part->bytes = (uint8_t *)malloc(i->total);
        part->have = 0;
        if (!part->bytes)
            return false;
    }
    if (i->number != part->of.number || i->kind != part->of.kind || i->key != part->of.key ||
        i->total != part->of.total || i->offset != part->have)
        return false;
    memcpy(part->bytes + part->have, i->p, i->len);
    part->have += i->len;
    if (part->have == i->total) {
        s->have = i->number;
        take(s, i, part->bytes, i->total);
        sso_standby_drop_part(s);
    }
    return true;
}

static bool take_item(struct sso_sync *s, const struct sso_item *i)
{
    if (i->op == SSO_PUT)
        return take_part(s, i);
    if (s->part.bytes || i->number != s->have + 1)
        return false;
    s->have = i->number;
    if (i->op == SSO_REMOVE)
        take(s, i, NULL, 0);
    else
        sso_lease_told(s, i);
    return true;
}

static bool is_told(struct sso_sync *s, const struct sso_message *m)
{
    if (!s->active && s->phase != SSO_SOLO && m->epoch == s->epoch)
        return true;
    s->info.ignored++;
    return false;
}

static void on_records(struct sso_sync *s, struct sso_message *m)
{
    struct sso_item i;
    if (!is_told(s, m))
        return;
    while (sso_wire_item(&m->items, &i))
        if (!take_item(s, &i)) {
            s->info.bad++;
            sso_sync_gone(s, "records are missing");
            return;
        }
    sso_queue_owe(s, SSO_OWES_ACK);
}

static void on_bulk_end(struct sso_sync *s, const struct sso_message *m)
{
    if (!is_told(s, m))
        return;
    if (s->phase != SSO_BULK || s->part.bytes || m->number != s->have + 1) {
        s->info.bad++;
        sso_sync_gone(s, "records are missing");
        return;
    }
    s->have = m->number;
    s->phase = SSO_HOT;
    s->holds = true;
    s->info.bulk_took = clock_mono(s->h.clock) - s->bulk_began;
    sso_lease_end(s);
    s->h.end(s->h.ctx);
    s->h.event(s->h.ctx, SSO_SYNC_END);
    sso_queue_owe(s, SSO_OWES_ACK | SSO_OWES_STATE);
}

static void on_moved(struct sso_sync *s, struct sso_message *m)
{
    struct sso_moved i;
    if (!is_told(s, m))
        return;
    while (sso_wire_moved(&m->items, &i)) {
        if (i.is_bytes)
            s->h.volume(s->h.ctx, i.sa, i.value);
        else if (!sso_lease_find(s, i.sa)) /* an outbound one is not moved by this */
            s->h.position(s->h.ctx, i.sa, i.value, 0);
    }
}

bool sso_standby_input(struct sso_sync *s, struct sso_message *m)
{
    if (m->type == SSO_BULK_BEGIN)
        on_bulk_begin(s, m);
    else if (m->type == SSO_BULK_END)
        on_bulk_end(s, m);
    else if (m->type == SSO_RECORDS)
        on_records(s, m);
    else if (m->type == SSO_MOVED)
        on_moved(s, m);
    else
        return false;
    return true;
}
