/*
 * Text for people: `debug crypto isakmp` and `debug crypto ipsec` line by line as IOS has them
 * (seed 004). Only numbers that are visible on the wire appear here, never a key or a nonce.
 */
#include "control/isakmp/internal.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define LINE 512

bool isk_debugging(const struct isakmp *k, enum isakmp_debug cls)
{
    return k->host.debug && k->host.debug_on && k->host.debug_on(k->h, cls);
}

static void say(const struct isakmp *k, enum isakmp_debug cls, const char *head, const char *fmt,
                va_list ap) __attribute__((format(printf, 4, 0)));
static void say(const struct isakmp *k, enum isakmp_debug cls, const char *head, const char *fmt,
                va_list ap)
{
    char text[LINE];
    int n = snprintf(text, sizeof text, "%s", head);

    vsnprintf(text + n, sizeof text - (size_t)n, fmt, ap);
    k->host.debug(k->h, cls, text);
}

void isk_debug(struct isakmp *k, enum isakmp_debug cls, const char *fmt, ...)
{
    va_list ap;

    if (!isk_debugging(k, cls))
        return;
    va_start(ap, fmt);
    say(k, cls, "", fmt, ap);
    va_end(ap);
}

/* An SA has its number from the keys on; until then it is 0. */
void isk_debug_sa(const struct isk_sa *sa, const char *fmt, ...)
{
    char head[32];
    va_list ap;

    if (!isk_debugging(sa->k, ISAKMP_DBG_ISAKMP))
        return;
    snprintf(head, sizeof head, "ISAKMP:(%" PRIu32 "):", sa->s.tunnel_id);
    va_start(ap, fmt);
    say(sa->k, ISAKMP_DBG_ISAKMP, head, fmt, ap);
    va_end(ap);
}

void isk_debug_old(const struct isk_sa *sa, const char *fmt, ...)
{
    char head[32];
    va_list ap;

    if (!isk_debugging(sa->k, ISAKMP_DBG_ISAKMP))
        return;
    snprintf(head, sizeof head, "ISAKMP (%" PRIu32 "): ", sa->s.tunnel_id);
    va_start(ap, fmt);
    say(sa->k, ISAKMP_DBG_ISAKMP, head, fmt, ap);
    va_end(ap);
}

void isk_event(struct isk_sa *sa, enum ike_event ev, const char *fmt, ...)
{
    char text[LINE];
    va_list ap;

    if (!sa->k->host.base.event)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    sa->k->host.base.event(sa->k->h, ev, &sa->s, text);
}

/* --- states ------------------------------------------------------------------------------------
 */

static const char *step_name(enum isk_step s)
{
    static const char *const name[ISK_STEPS] = {
        "IKE_READY", "IKE_I_MM1", "IKE_I_MM2", "IKE_I_MM3", "IKE_I_MM4",       "IKE_I_MM5",
        "IKE_I_MM6", "IKE_R_MM1", "IKE_R_MM2", "IKE_R_MM3", "IKE_R_MM4",       "IKE_R_MM5",
        "IKE_I_AM1", "IKE_I_AM2", "IKE_R_AM1", "IKE_R_AM2", "IKE_P1_COMPLETE", "IKE_DEST_SA",
    };
    return s < ISK_STEPS ? name[s] : "UNKNOWN";
}

void isk_debug_input(const struct isk_sa *sa, const char *input)
{
    isk_debug_sa(sa, "Input = %s", input);
}

void isk_move(struct isk_sa *sa, enum isk_step to)
{
    isk_debug_sa(sa, "Old State = %s  New State = %s\n", step_name(sa->step), step_name(to));
    sa->step = to;
}

void isk_node_moved(const struct isk_node *n, const char *from, const char *to, const char *input)
{
    isk_debug_sa(n->sa, "Node %" PRIu32 ", Input = %s", n->mid, input);
    isk_debug_sa(n->sa, "Old State = %s  New State = %s", from, to);
}

const char *isk_state_text(const struct isk_sa *sa)
{
    /* QM_IDLE stands in a field of its own width */
    static const char *const text[2][ISAKMP_STATES] = {
        {"(R) MM_NO_STATE", "(R) MM_SA_SETUP", "(R) MM_KEY_EXCH", "(R) MM_KEY_AUTH",
         "(R) AG_NO_STATE", "(R) AG_INIT_EXCH", "(R) AG_AUTH", "(R) QM_IDLE      "},
        {"(I) MM_NO_STATE", "(I) MM_SA_SETUP", "(I) MM_KEY_EXCH", "(I) MM_KEY_AUTH",
         "(I) AG_NO_STATE", "(I) AG_INIT_EXCH", "(I) AG_AUTH", "(I) QM_IDLE      "},
    };
    return sa->s.phase1 < ISAKMP_STATES ? text[sa->s.initiator][sa->s.phase1] : "";
}

const char *isk_id_name(uint8_t type)
{
    switch (type) {
    case ISID_IPV4:
        return "ID_IPV4_ADDR";
    case ISID_IPV6:
        return "ID_IPV6_ADDR";
    case ISID_FQDN:
        return "ID_FQDN";
    case ISID_USER_FQDN:
        return "ID_USER_FQDN";
    case ISID_DN:
        return "ID_DER_ASN1_DN";
    case ISID_KEY:
        return "ID_KEY_ID";
    default:
        return "ID_UNKNOWN";
    }
}

/* IOS prints pointers, which tell lines of one SA from another's. Ours are numbers. */
uint32_t isk_debug_handle(const struct isk_sa *sa)
{
    return 0x30000000u + sa->serial * 0x54u;
}

void isk_debug_received(struct isakmp *k, const struct isk_sa *sa, const struct ike_path *p)
{
    char from[ADDR_STRLEN];

    isk_debug(k, ISAKMP_DBG_ISAKMP,
              "ISAKMP (%" PRIu32 "): received packet from %s dport %u sport %u Global %s",
              sa ? sa->s.tunnel_id : 0, addr_print(&p->remote, from, sizeof from), p->lport,
              p->rport, sa ? isk_state_text(sa) : "(N) NEW SA");
}
