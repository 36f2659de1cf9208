/*
 * What the datapath dropped and why: show and clear asp drop.
 *
 * A cause is a frame drop when the packet belongs to nothing that the box knows, and a flow drop
 * when it belongs to a policy or an SA.
 */
#include "modes/internal.h"
#include "modes/render.h"
#include <string.h>

struct cause {
    const char *text, *name;
    bool flow;
};

static const struct cause causes[DP_CAUSES] = {
    [DP_NO_SA] = {"IPsec tunnel is down", "ipsec-tun-down", true},
    [DP_QUEUE_FULL] = {"IPsec SA is not negotiated yet, queue is full", "need-ike", true},
    [DP_SEQ_OVERFLOW] = {"IPsec sequence number overflow", "ipsec-seq-overflow", true},
    [DP_SEND_ERROR] = {"Packet could not be sent", "send-error", true},
    [DP_TOO_BIG] = {"Packet is larger than the path MTU", "mtu-exceeded", true},
    [DP_UNKNOWN_SPI] = {"IPsec packet of an unknown SA", "ipsec-bad-spi", false},
    [DP_REPLAY] = {"IPsec anti-replay check failed", "ipsec-replay", true},
    [DP_BAD_ICV] = {"IPsec authentication failed", "ipsec-bad-icv", true},
    [DP_BAD_LENGTH] = {"IPsec packet has a bad length", "ipsec-bad-length", false},
    [DP_BAD_PADDING] = {"IPsec packet has bad padding", "ipsec-bad-padding", true},
    [DP_BAD_INNER] = {"Packet inside is not acceptable", "ipsec-bad-inner", false},
    [DP_SELECTOR] = {"Packet does not fit the SA's selectors", "ipsec-selector-failure", true},
    [DP_CLEAR_INBOUND] = {"IPsec spoof detected: packet came in clear", "ipsec-spoof", true},
    [DP_HARD_LIFETIME] = {"IPsec SA is past its lifetime", "ipsec-lifetime", true},
    [DP_TUN_ERROR] = {"Packet could not be given to the host", "tun-error", true},
    [DP_CRYPTO_ERROR] = {"Encryption failed", "crypto-error", true},
    [DP_IKE_BUSY] = {"IKE on UDP 4500 faster than it is taken", "ike-nat-overload", false},
    [DP_RX_OVERFLOW] = {"Packet found the receive buffer full", "rx-buffer-full", false},
    [DP_PASSIVE] = {"IPsec SAs of the interface are another box's", "ha-passive", true},
    [DP_LEASE] = {"Standby has not acknowledged sequence numbers", "ha-lease", true},
};

static const char *const ike_names[IKE_DROPS] = {
    [IKE_DROP_HEADER] = "ike-bad-header",
    [IKE_DROP_VERSION] = "ike-bad-version",
    [IKE_DROP_UNKNOWN_SA] = "ike-unknown-sa",
    [IKE_DROP_UNEXPECTED] = "ike-unexpected",
    [IKE_DROP_PAYLOADS] = "ike-bad-payloads",
    [IKE_DROP_INTEGRITY] = "ike-bad-icv",
    [IKE_DROP_MESSAGE_ID] = "ike-bad-msgid",
    [IKE_DROP_BUSY] = "ike-duplicate",
    [IKE_DROP_LIMIT] = "ike-limit",
    [IKE_DROP_DISABLED] = "ike-disabled",
    [IKE_DROP_COOKIE] = "ike-cookie-requested",
    [IKE_DROP_MEMORY] = "ike-no-memory",
    [IKE_DROP_OVERLOAD] = "ike-overload",
};

static void line(struct str *out, const char *text, const char *name, uint64_t n)
{
    size_t start = out->len;
    if (!n)
        return;
    str_printf(out, "  %s (%s)", text, name);
    size_t used = out->len - start;
    str_printf(out, "%*llu\n", used < 70 ? (int)(82 - used) : 12, (unsigned long long)n);
}

struct drops {
    uint64_t datapath[DP_CAUSES], ike[IKE_DROPS];
};

static struct drops all_drops(const struct control *c)
{
    struct drops d = {0};
    query_drops(c, d.datapath);
    memcpy(d.ike, query_ike_stats(c)->dropped, sizeof d.ike);
    return d;
}

/* What ended with an engine is not counted any more, so a count may be below what was set aside. */
static uint64_t since(uint64_t now, uint64_t then)
{
    return now > then ? now - then : 0;
}

static void datapath_part(struct str *out, const struct drops *d, const struct drops_cleared *then,
                          bool flow)
{
    for (unsigned i = 0; i < DP_CAUSES; i++)
        if (causes[i].flow == flow)
            line(out, causes[i].text, causes[i].name, since(d->datapath[i], then->datapath[i]));
}

static void ike_part(struct str *out, const struct drops *d, const struct drops_cleared *then)
{
    for (unsigned i = IKE_DROP_NONE + 1; i < IKE_DROPS; i++) {
        struct str text = {0};
        str_printf(&text, "IKEv2 message dropped: %s", ike_drop_text((enum ike_drop)i));
        line(out, str_text(&text), ike_names[i], since(d->ike[i], then->ike[i]));
        str_free(&text);
    }
}

static void last_clearing(struct str *out, const struct cfg_tree *tree, usec_t wall, const char *by)
{
    char when[48];
    if (!wall) {
        str_add(out, "\nLast clearing: Never\n");
        return;
    }
    time_clock(when, sizeof when, tree, wall, false);
    /* "18:57:38 UTC Mon Oct 19 2015": the platform leaves the day of the week out here */
    char *day = strchr(strchr(when, ' ') + 1, ' ') + 1;
    memmove(day, day + 4, strlen(day + 4) + 1);
    str_printf(out, "\nLast clearing: %s by %s\n", when, by);
}

int show_asp_drop(struct cmd *c, const struct a_show_asp_drop *a)
{
    const struct drops_cleared *then = &c->session->cli->cleared;
    struct drops d = all_drops(c->control);
    struct str out = {0};
    if (!a->flow) {
        str_add(&out, "Frame drop:\n");
        datapath_part(&out, &d, then, false);
        ike_part(&out, &d, then);
        last_clearing(&out, c->tree, then->frame.wall, then->frame.by);
        str_addc(&out, '\n');
    }
    if (!a->frame) {
        str_add(&out, "Flow drop:\n");
        datapath_part(&out, &d, then, true);
        last_clearing(&out, c->tree, then->flow.wall, then->flow.by);
    }
    cmd_puts(c, str_text(&out));
    str_free(&out);
    return CMD_OK;
}

/* Other shows go on counting from the start. */
int clear_asp_drop(struct cmd *c, const struct a_clear_asp_drop *a)
{
    struct drops_cleared *then = &c->session->cli->cleared;
    struct drops d = all_drops(c->control);
    usec_t now = clock_wall(control_clock(c->control));
    for (unsigned i = 0; i < DP_CAUSES; i++)
        if (causes[i].flow ? !a->frame : !a->flow)
            then->datapath[i] = d.datapath[i];
    if (!a->flow) {
        memcpy(then->ike, d.ike, sizeof then->ike);
        then->frame.wall = now;
        str_copy(then->frame.by, sizeof then->frame.by, c->session->user);
    }
    if (!a->frame) {
        then->flow.wall = now;
        str_copy(then->flow.by, sizeof then->flow.by, c->session->user);
    }
    return CMD_OK;
}
