/* States of the redundancy facility. See rf.h. */
#include "control/sso/rf.h"
#include "lib/str.h"

/* Negotiation ends with a role. The steps between have no work of their own here, but the
 * platform's history and its shows know them, and the active's peer is told each of them. */
static const struct rf_row rows[] = {
    {RF_DISABLED, RF_EV_CONFIGURED, RF_INITIALIZATION},

    {RF_INITIALIZATION, RF_EV_REMOVED, RF_DISABLED},
    {RF_INITIALIZATION, RF_EV_START, RF_NEGOTIATION},

    {RF_NEGOTIATION, RF_EV_REMOVED, RF_DISABLED},
    {RF_NEGOTIATION, RF_EV_GO_ACTIVE, RF_ACTIVE_FAST},
    {RF_NEGOTIATION, RF_EV_GO_STANDBY, RF_STANDBY_COLD},

    {RF_STANDBY_COLD, RF_EV_REMOVED, RF_DISABLED},
    {RF_STANDBY_COLD, RF_EV_GO_ACTIVE, RF_ACTIVE_FAST},
    {RF_STANDBY_COLD, RF_EV_PEER_LOST, RF_NEGOTIATION},
    {RF_STANDBY_COLD, RF_EV_BULK, RF_STANDBY_CONFIG},

    {RF_STANDBY_CONFIG, RF_EV_STEP, RF_STANDBY_FILESYS},
    {RF_STANDBY_FILESYS, RF_EV_STEP, RF_STANDBY_BULK},

    {RF_STANDBY_BULK, RF_EV_REMOVED, RF_DISABLED},
    {RF_STANDBY_BULK, RF_EV_GO_ACTIVE, RF_ACTIVE_FAST},
    {RF_STANDBY_BULK, RF_EV_PEER_LOST, RF_NEGOTIATION},
    {RF_STANDBY_BULK, RF_EV_END, RF_STANDBY_HOT},

    {RF_STANDBY_HOT, RF_EV_REMOVED, RF_DISABLED},
    {RF_STANDBY_HOT, RF_EV_GO_ACTIVE, RF_ACTIVE_FAST},
    {RF_STANDBY_HOT, RF_EV_BULK, RF_STANDBY_BULK}, /* anew; what it has it could still use */

    {RF_ACTIVE_FAST, RF_EV_STEP, RF_ACTIVE_DRAIN},
    {RF_ACTIVE_DRAIN, RF_EV_STEP, RF_ACTIVE_PRECONFIG},
    {RF_ACTIVE_PRECONFIG, RF_EV_STEP, RF_ACTIVE_POSTCONFIG},
    {RF_ACTIVE_POSTCONFIG, RF_EV_STEP, RF_ACTIVE},

    {RF_ACTIVE, RF_EV_REMOVED, RF_DISABLED},
    {RF_ACTIVE, RF_EV_LOST, RF_NEGOTIATION},
};

const struct rf_row *rf_rows(size_t *n)
{
    *n = sizeof(rows) / sizeof(rows[0]);
    return rows;
}

const struct rf_row *rf_find(enum rf_state s, enum rf_event e)
{
    size_t n;
    const struct rf_row *r = rf_rows(&n);
    for (; n; n--, r++)
        if (r->state == s && r->event == e)
            return r;
    return NULL;
}

const char *rf_name(enum rf_state s)
{
    static const char *const names[] = {
        [RF_DISABLED] = "DISABLED",
        [RF_INITIALIZATION] = "INITIALIZATION",
        [RF_NEGOTIATION] = "NEGOTIATION",
        [RF_STANDBY_COLD] = "STANDBY COLD",
        [RF_STANDBY_CONFIG] = "STANDBY COLD-CONFIG",
        [RF_STANDBY_FILESYS] = "STANDBY COLD-FILESYS",
        [RF_STANDBY_BULK] = "STANDBY COLD-BULK",
        [RF_STANDBY_HOT] = "STANDBY HOT",
        [RF_ACTIVE_FAST] = "ACTIVE-FAST",
        [RF_ACTIVE_DRAIN] = "ACTIVE-DRAIN",
        [RF_ACTIVE_PRECONFIG] = "ACTIVE_PRECONFIG",
        [RF_ACTIVE_POSTCONFIG] = "ACTIVE_POSTCONFIG",
        [RF_ACTIVE] = "ACTIVE",
    };
    return s >= RF_DISABLED && s <= RF_ACTIVE ? names[s] : "UNKNOWN";
}

void rf_init(struct rf *f, usec_t now)
{
    *f = (struct rf){.mine = RF_DISABLED, .peer = RF_DISABLED, .since = now, .peer_since = now};
}

void rf_note(struct rf *f, enum sso_event_kind kind, const char *text, usec_t now)
{
    struct sso_event *e = &f->ring[f->events++ % SSO_HISTORY];
    *e = (struct sso_event){.at = now, .kind = kind, .mine = f->mine, .peer = f->peer};
    str_copy(e->text, sizeof(e->text), text);
}

bool rf_step(struct rf *f, enum rf_event e, usec_t now)
{
    const struct rf_row *r = rf_find(f->mine, e);
    if (!r)
        return false;
    for (; r; r = rf_find(f->mine, RF_EV_STEP)) {
        f->mine = (enum rf_state)r->next;
        rf_note(f, SSO_EV_STATE, "", now);
    }
    f->since = now;
    return true;
}

bool rf_peer(struct rf *f, enum rf_state s, usec_t now)
{
    if (f->peer == s)
        return false;
    f->peer = s;
    f->peer_since = now;
    rf_note(f, SSO_EV_PEER_STATE, "", now);
    return true;
}

void rf_history(const struct rf *f, void (*fn)(void *ctx, const struct sso_event *e), void *ctx)
{
    size_t i = f->events > SSO_HISTORY ? f->events - SSO_HISTORY : 0;
    for (; i < f->events; i++)
        fn(ctx, &f->ring[i % SSO_HISTORY]);
}
