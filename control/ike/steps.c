/*
 * The table of steps. Rows for one message are tried in order; the first whose payload sets
 * fit is taken. Vendor IDs and unknown payloads that are not critical never matter (§2.5,
 * §3.12), and neither do payloads of extensions which a peer may send and we ignore.
 */
#include "control/ike/steps.h"
#include "control/ike/wire.h"

#define SA    PL_BIT(PL_SA)
#define KE    PL_BIT(PL_KE)
#define NONCE PL_BIT(PL_NONCE)
#define IDI   PL_BIT(PL_IDI)
#define IDR   PL_BIT(PL_IDR)
#define AUTH  PL_BIT(PL_AUTH)
#define TSI   PL_BIT(PL_TSI)
#define TSR   PL_BIT(PL_TSR)
#define N     PL_BIT(PL_NOTIFY)
#define D     PL_BIT(PL_DELETE)
#define CERTS (PL_BIT(PL_CERT) | PL_BIT(PL_CERTREQ))
#define CP    PL_BIT(PL_CP)
#define VID   PL_BIT(PL_VENDOR)
#define CHILD (SA | TSI | TSR)

static const struct ike_step steps[] = {
    {IKE_IDLE, X_SA_INIT, false, ROLE_RESPONDER, SA | KE | NONCE, N | CERTS, ike_on_init_request,
     IKE_INIT_DONE, "a peer wants an IKE SA"},
    {IKE_INIT_SENT, X_SA_INIT, true, ROLE_INITIATOR, SA | KE | NONCE, N | CERTS, ike_on_init_reply,
     IKE_AUTH_SENT, "answer to the first message"},
    {IKE_INIT_SENT, X_SA_INIT, true, ROLE_INITIATOR, N, 0, ike_on_init_refusal, IKE_INIT_SENT,
     "cookie, other group, or refusal"},

    {IKE_INIT_DONE, X_AUTH, false, ROLE_RESPONDER, IDI | AUTH | CHILD, IDR | N | CERTS | CP,
     ike_on_auth_request, IKE_ESTABLISHED, "the initiator says who it is"},
    {IKE_INIT_DONE, X_AUTH, false, ROLE_RESPONDER, IDI, IDR | N | CERTS | CP | AUTH | CHILD,
     ike_on_auth_incomplete, IKE_DELETING, "EAP wanted, or no child asked for"},
    {IKE_AUTH_SENT, X_AUTH, true, ROLE_INITIATOR, IDR | AUTH, CHILD | N | CERTS | CP,
     ike_on_auth_reply, IKE_ESTABLISHED, "the responder says who it is"},
    {IKE_AUTH_SENT, X_AUTH, true, ROLE_INITIATOR, N, 0, ike_on_auth_refusal, IKE_DEAD,
     "we are not accepted"},

    {IKE_ESTABLISHED, X_CREATE_CHILD, false, ROLE_ANY, CHILD | NONCE, KE | N | CP,
     ike_on_child_request, IKE_ESTABLISHED, "one more child"},
    {IKE_ESTABLISHED, X_CREATE_CHILD, false, ROLE_ANY, SA | NONCE | KE, N, ike_on_rekey_request,
     IKE_REKEYED, "the IKE SA shall be replaced"},
    {IKE_ESTABLISHED, X_CREATE_CHILD, true, ROLE_ANY, CHILD | NONCE, KE | N | CP,
     ike_on_child_reply, IKE_ESTABLISHED, "the child is accepted"},
    {IKE_ESTABLISHED, X_CREATE_CHILD, true, ROLE_ANY, SA | NONCE | KE, N, ike_on_rekey_reply,
     IKE_DELETING, "the IKE SA is replaced"},
    {IKE_ESTABLISHED, X_CREATE_CHILD, true, ROLE_ANY, N, 0, ike_on_child_refusal, IKE_ESTABLISHED,
     "the child, or the successor of the IKE SA, is refused"},
    {IKE_REKEYED, X_CREATE_CHILD, false, ROLE_ANY, SA | NONCE, TSI | TSR | KE | N | CP,
     ike_on_child_late, IKE_REKEYED, "a child for an SA that has been replaced"},
    {IKE_DELETING, X_CREATE_CHILD, false, ROLE_ANY, SA | NONCE, TSI | TSR | KE | N | CP,
     ike_on_child_late, IKE_DELETING, "a child for an SA that is going"},
    {IKE_DELETING, X_CREATE_CHILD, true, ROLE_ANY, 0, CHILD | NONCE | KE | N | CP,
     ike_on_last_reply, IKE_DELETING, "an answer that came too late to matter"},

    {IKE_ESTABLISHED, X_INFORMATIONAL, false, ROLE_ANY, 0, N | D | CP, ike_on_info_request,
     IKE_ESTABLISHED, "delete, notify, or are you there"},
    {IKE_ESTABLISHED, X_INFORMATIONAL, true, ROLE_ANY, 0, N | D | CP, ike_on_info_reply,
     IKE_ESTABLISHED, "answer to our delete or liveness"},
    {IKE_REKEYED, X_INFORMATIONAL, false, ROLE_ANY, 0, N | D | CP, ike_on_last_request, IKE_REKEYED,
     "the peer ends what it has replaced"},
    {IKE_REKEYED, X_INFORMATIONAL, true, ROLE_ANY, 0, N | D | CP, ike_on_rekeyed_reply, IKE_REKEYED,
     "an answer for an SA that has been replaced"},
    {IKE_DELETING, X_INFORMATIONAL, false, ROLE_ANY, 0, N | D | CP, ike_on_last_request,
     IKE_DELETING, "the peer speaks while we take leave"},
    {IKE_DELETING, X_INFORMATIONAL, true, ROLE_ANY, 0, N | D | CP, ike_on_last_reply, IKE_DEAD,
     "our leave is taken"},
};

const struct ike_step *ike_step_at(size_t i)
{
    return i < sizeof steps / sizeof *steps ? &steps[i] : NULL;
}

const struct ike_step *ike_step_find(enum ike_state state, uint8_t exchange, bool response,
                                     bool initiator, uint64_t seen, enum ike_drop *why)
{
    uint8_t role = initiator ? ROLE_INITIATOR : ROLE_RESPONDER;
    const struct ike_step *s;

    *why = IKE_DROP_UNEXPECTED;
    for (size_t i = 0; (s = ike_step_at(i)) != NULL; i++) {
        if (s->state != state || s->exchange != exchange || s->response != response ||
            !(s->role & role))
            continue;
        if ((s->must & ~seen) == 0 && (seen & ~(s->must | s->may | VID)) == 0) {
            *why = IKE_DROP_NONE;
            return s;
        }
        *why = IKE_DROP_PAYLOADS;
    }
    return NULL;
}

const char *ike_drop_text(enum ike_drop d)
{
    static const char *const text[IKE_DROPS] = {
        "none",
        "malformed header",
        "unsupported version",
        "unknown SA",
        "unexpected message",
        "malformed or unexpected payloads",
        "integrity check failed",
        "message ID outside the window",
        "duplicate while busy",
        "limit reached",
        "IKEv2 not enabled on the interface",
        "cookie required",
        "out of memory",
        "fragment kept",
        "overload",
    };
    return d < IKE_DROPS ? text[d] : "unknown";
}
