/*
 * show crypto ikev2 stats, ikev1 stats, isakmp stats: how much was negotiated, what was dropped.
 */
#include "control/ike/steps.h"
#include "modes/internal.h"
#include "modes/render.h"

/* --- IKEv2 ----------------------------------------------------------------------------------- */

#define RULER "------------------------------------------------------------------------------"

static void number(struct str *out, const char *name, uint64_t n)
{
    str_printf(out, "%s", name);
    str_printf(out, " %-9llu", (unsigned long long)n);
}

static void trim(struct str *out)
{
    while (out->len && out->s[out->len - 1] == ' ')
        out->s[--out->len] = 0;
    str_addc(out, '\n');
}

void render_ikev2_stats(struct str *out, const struct ike_stats *s, const struct ike_counts *n)
{
    uint64_t dropped = 0;
    for (unsigned i = 0; i < IKE_DROPS; i++)
        dropped += s->dropped[i];
    str_add(out, RULER "--\n                          Crypto IKEv2 SA Statistics\n" RULER "--\n");
    number(out, "Total incoming IKEv2 SA Count:", n->in_active + n->in_busy);
    number(out, "active:", n->in_active);
    number(out, "negotiating:", n->in_busy);
    trim(out);
    number(out, "Total outgoing IKEv2 SA Count:", n->out_active + n->out_busy);
    number(out, "active:", n->out_active);
    number(out, "negotiating:", n->out_busy);
    trim(out);
    number(out, "Incoming IKEv2 Requests:", s->responded);
    number(out, "Outgoing IKEv2 Requests:", s->initiated);
    trim(out);
    number(out, "IKEv2 SAs established:", s->established);
    number(out, "failed:", s->failed);
    trim(out);
    number(out, "IKEv2 packets received:", s->rx);
    number(out, "sent:", s->tx);
    number(out, "retransmitted:", s->retransmits);
    trim(out);
    number(out, "IKEv2 packets dropped at dispatch:", dropped);
    trim(out);
    for (unsigned i = IKE_DROP_NONE + 1; i < IKE_DROPS; i++)
        if (s->dropped[i])
            str_printf(out, "    %s: %llu\n", ike_drop_text((enum ike_drop)i),
                       (unsigned long long)s->dropped[i]);
    number(out, "Incoming IKEv2 Cookie Challenged Requests:", s->dropped[IKE_DROP_COOKIE]);
    trim(out);
}

static bool count_sa(void *ctx, const struct ike_sa_state *sa)
{
    struct ike_counts *n = (struct ike_counts *)ctx;
    bool active = sa->state == IKE_ESTABLISHED;
    if (sa->version != n->version)
        return true;
    if (sa->initiator)
        (*(active ? &n->out_active : &n->out_busy))++;
    else
        (*(active ? &n->in_active : &n->in_busy))++;
    return true;
}

int show_ikev2_stats(struct cmd *c, const struct a_show_ikev2_stats *a)
{
    struct ike_counts n = {.version = IKE_V2};
    struct str out = {0};
    (void)a;
    query_ike_sas(c->control, count_sa, &n);
    render_ikev2_stats(&out, query_ike_stats(c->control), &n);
    cmd_puts(c, str_text(&out));
    str_free(&out);
    return CMD_OK;
}

/* --- IKEv1 ------------------------------------------------------------------------------------ */

static void line(struct str *out, const char *name, uint64_t n)
{
    str_printf(out, "  %-28s %llu\n", name, (unsigned long long)n);
}

void render_isakmp_stats(struct str *out, const struct isakmp_stats *s, const struct ike_counts *n)
{
    uint64_t dropped = 0, active = n->in_active + (uint64_t)n->out_active;
    for (unsigned i = 0; isakmp_drop_text(i); i++)
        dropped += s->dropped[i];
    str_add(out, "Global IKEv1 Statistics\n");
    line(out, "Active Tunnels:", active);
    line(out, "Previous Tunnels:", s->established > active ? s->established - active : 0);
    line(out, "Negotiating Tunnels:", n->in_busy + (uint64_t)n->out_busy);
    line(out, "In Packets:", s->rx);
    line(out, "In Drop Packets:", dropped);
    line(out, "Out Packets:", s->tx);
    line(out, "Out Retransmits:", s->retransmits);
    line(out, "Initiator Tunnels:", s->initiated);
    line(out, "Responder Tunnels:", s->responded);
    line(out, "Fails:", s->failed);
    for (unsigned i = 1; isakmp_drop_text(i); i++)
        if (s->dropped[i])
            str_printf(out, "    %s: %llu\n", isakmp_drop_text(i),
                       (unsigned long long)s->dropped[i]);
}

int show_isakmp_stats(struct cmd *c, const struct a_show_isakmp_stats *a)
{
    struct ike_counts n = {.version = IKE_V1};
    struct str out = {0};
    (void)a;
    query_ike_sas(c->control, count_sa, &n);
    render_isakmp_stats(&out, query_isakmp_stats(c->control), &n);
    cmd_puts(c, str_text(&out));
    str_free(&out);
    return CMD_OK;
}
