/* The protocol between the boxes: who is there, what is told, what is acknowledged. See sync.h. */
#include "control/sso/sync_priv.h"
#include "lib/mem.h"
#include "lib/str.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* SAs are looked at; each tenth time also inbound ones that moved by some packets, and each
 * hundredth time all that moved. A word is 12 bytes, less than a hundredth of sixteen packets of
 * ESP, be they as short as they can be; and slow SAs cost next to nothing, however many there are.
 */
#define MOVED_EVERY (100 * USEC_PER_MSEC)
#define MOVED_SOME  10
#define MOVED_LEAST 16
#define MOVED_ALL   100
#define STATE_EVERY 600                 /* … and our clock is told again */
#define BAD_EVERY   (10 * USEC_PER_SEC) /* words about what the peer does */

static usec_t now_of(const struct sso_sync *s)
{
    return clock_mono(s->h.clock);
}

static void event(struct sso_sync *s, enum sso_sync_event e)
{
    s->h.event(s->h.ctx, e);
}

/* --- the active's standby -----------------------------------------------------------------------
 */

/* There is no standby any more. Numbers first: what waits for it may leave only then. */
static void lose(struct sso_sync *s, bool split)
{
    if (!s->active || s->phase == SSO_SOLO)
        return;
    s->phase = SSO_SOLO;
    timer_cancel(s->h.timers, &s->wait);
    timer_cancel(s->h.timers, &s->moved);
    sso_queue_clear(s);
    sso_lease_alone(s, split);
    s->acked = s->put;
    s->h.leased(s->h.ctx, false);
    event(s, SSO_SYNC_LOST);
    s->h.safe(s->h.ctx);
}

void sso_sync_gone(struct sso_sync *s, const char *why)
{
    sso_queue_clear(s);
    lose(s, true);
    s->ready = false; /* what still comes by this link is nobody's */
    s->h.restart(s->h.ctx, why);
}

/* A standby that acknowledges nothing for so long is none. */
static void on_wait(struct timer *t, void *owner)
{
    (void)t;
    sso_sync_gone((struct sso_sync *)owner, "the standby acknowledges nothing");
}

static void wait_for_ack(struct sso_sync *s, bool progress)
{
    if (s->acked == s->put)
        timer_cancel(s->h.timers, &s->wait);
    else if (progress || !timer_armed(&s->wait))
        (void)timer_set(s->h.timers, &s->wait, now_of(s) + s->patience);
}

void sso_sync_unacked(struct sso_sync *s)
{
    wait_for_ack(s, false);
}

static void on_moved(struct timer *t, void *owner)
{
    struct sso_sync *s = (struct sso_sync *)owner;
    s->moves++;
    if (s->moves % STATE_EVERY == 0)
        sso_queue_owe(s, SSO_OWES_STATE);
    if (s->phase == SSO_HOT)
        sso_queue_counters(s, SSO_STREAM_COUNTERS,
                           s->moves % MOVED_ALL == 0    ? 1
                           : s->moves % MOVED_SOME == 0 ? MOVED_LEAST
                                                        : UINT64_MAX);
    (void)timer_set(s->h.timers, t, now_of(s) + MOVED_EVERY);
}

/* Only a lie leads to the last one. Behind it there is none: with 0 all that we say would be old.
 */
static uint32_t epoch_after(uint32_t epoch)
{
    return epoch < UINT32_MAX ? epoch + 1 : epoch;
}

static bool wants_bulk(const struct sso_sync *s)
{
    return s->active && s->ready && s->phase == SSO_SOLO && s->peer.state >= RF_NEGOTIATION &&
           s->peer.state <= RF_STANDBY_HOT;
}

/* All records, then ceilings; when they are in force the standby hears of them and of the end
 * (lease.c). What changes meanwhile is told behind what it changes. */
static void begin_bulk(struct sso_sync *s)
{
    if (!wants_bulk(s))
        return;
    if (s->peer_epoch > s->epoch)
        s->epoch = epoch_after(s->peer_epoch); /* it was active while we were apart */
    s->phase = SSO_BULK;
    s->acked = s->put;
    s->bulk_began = now_of(s);
    s->info.bulks++;
    struct sso_message m = {.type = SSO_BULK_BEGIN, .epoch = s->epoch, .number = s->put};
    sso_queue_message(s, &m);
    s->h.leased(s->h.ctx, true);
    s->h.bulk(s->h.ctx);
    wait_for_ack(s, true);
    (void)timer_set(s->h.timers, &s->moved, s->bulk_began + MOVED_EVERY);
    sso_lease_lower(s);
}

void sso_sync_put(struct sso_sync *s, enum sso_kind kind, uint64_t key, const void *p, size_t n)
{
    if (!s->active || n > SSO_RECORD_MOST)
        return;
    s->put++;
    if (s->phase == SSO_SOLO) {
        s->acked = s->put;
        return;
    }
    struct sso_item i = {.op = n ? SSO_PUT : SSO_REMOVE,
                         .kind = kind,
                         .number = s->put,
                         .key = key,
                         .total = (uint32_t)n};
    do {
        i.p = (const uint8_t *)p + i.offset;
        i.len = n - i.offset < SSO_PART ? (uint32_t)n - i.offset : SSO_PART;
        sso_queue_item(s, &i);
        i.offset += i.len;
    } while (i.offset < n);
    s->info.records_tx++;
    sso_sync_unacked(s);
}

uint64_t sso_sync_number(const struct sso_sync *s)
{
    return s->put;
}

uint64_t sso_sync_safe(const struct sso_sync *s)
{
    bool waits = s->active && (s->phase == SSO_ENDING || s->phase == SSO_HOT);
    return waits ? s->acked : s->put;
}

static void on_ack(struct sso_sync *s, const struct sso_message *m)
{
    if (!s->active || s->phase == SSO_SOLO || m->epoch != s->epoch || m->number > s->put) {
        s->info.ignored++;
        return;
    }
    if (m->number <= s->acked)
        return;
    s->acked = m->number;
    wait_for_ack(s, true);
    sso_lease_acked(s);
    if (s->phase == SSO_ENDING && s->acked >= s->end) {
        s->phase = SSO_HOT;
        s->info.bulk_took = now_of(s) - s->bulk_began;
        event(s, SSO_SYNC_HOT);
    }
    s->h.safe(s->h.ctx);
}

/* --- both ---------------------------------------------------------------------------------------
 */

static const struct sso_section *section_of(const struct sso_hello *h, const char *name)
{
    for (unsigned i = 0; i < h->n_section; i++)
        if (strcmp(h->section[i].name, name) == 0)
            return &h->section[i];
    return NULL;
}

static void add_differ(struct sso_sync_info *f, const char *name)
{
    if (f->n_differ < SSO_SECTIONS * 2)
        str_copy(f->differ[f->n_differ++], sizeof(f->differ[0]), name);
}

static void on_differs(struct timer *t, void *owner)
{
    struct sso_sync *s = (struct sso_sync *)owner;
    (void)t;
    s->differs_told = now_of(s);
    event(s, SSO_SYNC_DIFFERS);
}

static void tell_differs(struct sso_sync *s)
{
    usec_t at = s->differs_told ? s->differs_told + BAD_EVERY : 0;
    if (at <= now_of(s))
        on_differs(&s->differs, s);
    else if (!timer_armed(&s->differs))
        (void)timer_set(s->h.timers, &s->differs, at);
}

static void compare_sections(struct sso_sync *s)
{
    struct sso_sync_info before = s->info;
    s->info.n_differ = 0;
    memset(s->info.differ, 0, sizeof(s->info.differ));
    for (unsigned i = 0; s->ready && i < s->me.n_section; i++) {
        const struct sso_section *p = section_of(&s->peer, s->me.section[i].name);
        if (!p || memcmp(p->digest, s->me.section[i].digest, SSO_DIGEST) != 0)
            add_differ(&s->info, s->me.section[i].name);
    }
    for (unsigned i = 0; s->ready && i < s->peer.n_section; i++)
        if (!section_of(&s->me, s->peer.section[i].name))
            add_differ(&s->info, s->peer.section[i].name);
    if (s->ready && (before.n_differ != s->info.n_differ ||
                     memcmp(before.differ, s->info.differ, sizeof(before.differ)) != 0))
        tell_differs(s);
}

static void on_hello(struct sso_sync *s, const struct sso_message *m)
{
    if (m->type == SSO_HELLO) {
        s->peer = m->hello;
        s->ready = true;
    } else {
        s->peer.state = m->hello.state;
        s->peer.holds = m->hello.holds;
    }
    s->peer_epoch = m->epoch;
    s->shift = now_of(s) - m->hello.mono;
    event(s, SSO_SYNC_PEER);
    if (m->type == SSO_HELLO)
        compare_sections(s);
    begin_bulk(s);
}

static void on_bye(struct sso_sync *s, const struct sso_message *m)
{
    if (s->active) {
        /* A standby that was active for a moment has used what it had. */
        lose(s, m->bye != SSO_BYE_UNUSED);
        if (m->bye == SSO_BYE_FENCED)
            sso_lease_whole(s);
    } else if (m->bye == SSO_BYE_FENCED && s->phase == SSO_HOT && m->epoch == s->epoch) {
        s->handed = true;
    }
    sso_queue_owe(s, SSO_OWES_STATE); /* it may wait until we know */
    event(s, SSO_SYNC_BYE);
}

static void on_bad(struct sso_sync *s)
{
    usec_t now = now_of(s);
    s->info.bad++;
    if (s->bad_told && now - s->bad_told < BAD_EVERY)
        return;
    s->bad_told = now;
    event(s, SSO_SYNC_BAD);
}

static void dispatch(struct sso_sync *s, struct sso_message *m)
{
    if (m->type == SSO_HELLO || m->type == SSO_STATE)
        on_hello(s, m);
    else if (m->type == SSO_ACK)
        on_ack(s, m);
    else if (m->type == SSO_BYE)
        on_bye(s, m);
    else if (m->type == SSO_SWITCH && s->h.step)
        s->h.step(s->h.ctx, (enum sso_switch_step)m->step);
    else if (!sso_standby_input(s, m))
        s->info.ignored++;
}

/* How far SAs are at a hand-over comes by the stream of the BYE that follows, and in that order. */
static bool may_come_by(enum sso_type type, enum sso_stream stream)
{
    static const enum sso_stream by[SSO_TYPES] = {[SSO_BULK_BEGIN] = SSO_STREAM_RECORDS,
                                                  [SSO_BULK_END] = SSO_STREAM_RECORDS,
                                                  [SSO_RECORDS] = SSO_STREAM_RECORDS,
                                                  [SSO_MOVED] = SSO_STREAM_COUNTERS};
    return by[type] == stream || (type == SSO_MOVED && stream == SSO_STREAM_CONTROL);
}

/* What is no message is counted and otherwise as if it had not come: the link has its own checksum,
 * so it is the peer that is wrong, and another link would not make it right. */
void sso_sync_input(struct sso_sync *s, enum sso_stream stream, const uint8_t *p, size_t n)
{
    struct sso_message m;
    if (!s->up)
        return;
    s->info.rx++;
    s->info.rx_bytes += n;
    if (sso_wire_read(p, n, &m) < 0 || !may_come_by(m.type, stream))
        on_bad(s);
    else if (!s->ready && m.type != SSO_HELLO)
        s->info.ignored++;
    else
        dispatch(s, &m);
    mem_wipe(&m, sizeof(m));
}

void sso_sync_up(struct sso_sync *s)
{
    s->up = true;
    s->ready = s->blocked = false;
    s->owes = 0;
    sso_queue_owe(s, SSO_OWES_HELLO);
}

void sso_sync_down(struct sso_sync *s)
{
    s->up = s->ready = s->blocked = false; /* what was handed over stays so */
    s->owes = 0;
    timer_cancel(s->h.timers, &s->flush);
    sso_queue_clear(s);
    sso_standby_drop_part(s);
    if (s->active)
        lose(s, true);
    else
        s->phase = SSO_SOLO;
}

void sso_sync_writable(struct sso_sync *s)
{
    s->blocked = false;
    sso_queue_flush(s);
}

void sso_sync_configure(struct sso_sync *s, const char *version, const struct sso_section *section,
                        unsigned n, usec_t patience)
{
    struct sso_hello *h = &s->me;
    s->patience = patience;
    n = n < SSO_SECTIONS ? n : SSO_SECTIONS;
    bool same = strncmp(h->version, version, sizeof(h->version) - 1) == 0 && h->n_section == n &&
                (!n || memcmp(h->section, section, n * sizeof(*section)) == 0);
    if (same)
        return;
    memset(h->version, 0, sizeof(h->version));
    memset(h->section, 0, sizeof(h->section));
    str_copy(h->version, sizeof(h->version), version);
    h->n_section = (uint8_t)n;
    if (n)
        memcpy(h->section, section, n * sizeof(*section));
    sso_queue_owe(s, SSO_OWES_HELLO);
    compare_sections(s);
}

void sso_sync_state(struct sso_sync *s, enum rf_state mine)
{
    if (s->me.state == mine)
        return;
    s->me.state = (uint8_t)mine;
    sso_queue_owe(s, SSO_OWES_STATE);
}

/* --- roles --------------------------------------------------------------------------------------
 */

bool sso_sync_is_active(const struct sso_sync *s)
{
    return s->active;
}

bool sso_sync_activate(struct sso_sync *s, bool *split)
{
    bool went_on = s->holds;
    *split = went_on && !s->handed;
    if (s->active)
        return false;
    if (!went_on && s->began)
        s->h.purge(s->h.ctx);
    if (!went_on)
        sso_standby_forget(s);
    s->epoch = epoch_after(s->epoch > s->peer_epoch ? s->epoch : s->peer_epoch);
    s->active = true;
    s->phase = SSO_SOLO;
    s->acked = s->put;
    sso_standby_drop_part(s);
    if (went_on)
        sso_lease_take_over(s, *split);
    s->began = s->holds = s->handed = false;
    sso_queue_owe(s, SSO_OWES_STATE);
    begin_bulk(s);
    return went_on;
}

void sso_sync_exact(struct sso_sync *s)
{
    if (s->active && s->phase == SSO_HOT)
        sso_queue_counters(s, SSO_STREAM_CONTROL, 1);
}

void sso_sync_deactivate(struct sso_sync *s)
{
    if (!s->active)
        return;
    s->bye = s->phase == SSO_ENDING || s->phase == SSO_HOT ? SSO_BYE_FENCED : SSO_BYE_ACTIVE;
    s->active = false;
    s->phase = SSO_SOLO;
    timer_cancel(s->h.timers, &s->wait);
    timer_cancel(s->h.timers, &s->moved);
    sso_queue_clear(s);
    sso_standby_forget(s);
    s->acked = s->put;
    s->h.leased(s->h.ctx, false);
    sso_queue_owe(s, SSO_OWES_STATE | SSO_OWES_BYE);
    sso_queue_flush(s);
    s->h.safe(s->h.ctx);
}

void sso_sync_forget(struct sso_sync *s)
{
    if (s->active)
        return;
    s->h.purge(s->h.ctx);
    sso_standby_forget(s);
    sso_sync_gone(s, "all is asked for anew");
}

void sso_sync_bye(struct sso_sync *s)
{
    if (s->active) {
        sso_sync_deactivate(s);
        return;
    }
    s->bye = SSO_BYE_UNUSED;
    sso_standby_forget(s);
    s->phase = SSO_SOLO;
    sso_queue_owe(s, SSO_OWES_BYE);
    sso_queue_flush(s);
}

/* --- life ---------------------------------------------------------------------------------------
 */

struct sso_sync *sso_sync_new(const struct sso_sync_host *h, uint64_t boot)
{
    struct sso_sync *s = (struct sso_sync *)calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    s->h = *h;
    s->me.boot = boot;
    s->me.state = RF_DISABLED;
    s->patience = 3 * USEC_PER_SEC;
    s->counters = wbuf_make(s->in, sizeof(s->in));
    timer_init(&s->wait, on_wait, s);
    timer_init(&s->moved, on_moved, s);
    timer_init(&s->differs, on_differs, s);
    sso_queue_init(s);
    return s;
}

void sso_sync_free(struct sso_sync *s)
{
    if (!s)
        return;
    timer_cancel(s->h.timers, &s->flush);
    timer_cancel(s->h.timers, &s->wait);
    timer_cancel(s->h.timers, &s->moved);
    timer_cancel(s->h.timers, &s->differs);
    sso_queue_clear(s);
    sso_standby_drop_part(s);
    free(s->lease);
    free(s);
}

void sso_sync_info(const struct sso_sync *s, struct sso_sync_info *out)
{
    *out = s->info;
    out->up = s->up;
    out->ready = s->ready;
    out->hot = s->phase == SSO_HOT;
    out->holds = s->holds;
    out->epoch = s->epoch;
    out->peer_epoch = s->peer_epoch;
    out->peer = s->peer;
    out->acked = s->acked;
    out->have = s->have;
}
