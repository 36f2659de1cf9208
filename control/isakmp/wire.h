/*
 * Numbers of IKEv1 on the wire: RFC 2408 §3, RFC 2407 §4 (the IPsec DOI), RFC 2409 appendix A,
 * RFC 3947, and the IANA registries of both. The header is that of IKEv2 but for its flags.
 */
#ifndef TANDEM_CONTROL_ISAKMP_WIRE_H
#define TANDEM_CONTROL_ISAKMP_WIRE_H

#include <stdint.h>

#define ISK_HEADER_LEN   28
#define ISK_VERSION      0x10
#define ISK_DOI_IPSEC    1
#define ISK_SIT_IDENTITY 1 /* RFC 2407 §4.2.1: SIT_IDENTITY_ONLY */
#define ISK_COOKIES_LEN  16

/* Header flags, RFC 2408 §3.1. */
#define ISK_F_ENCRYPTED 0x01u
#define ISK_F_COMMIT    0x02u
#define ISK_F_KNOWN     (ISK_F_ENCRYPTED | ISK_F_COMMIT) /* 0x04, not encrypted, is never used */

enum isk_exchange { ISX_MAIN = 2, ISX_AGGRESSIVE = 4, ISX_INFO = 5, ISX_QUICK = 32 };

enum isk_payload_type {
    ISP_NONE = 0,
    ISP_SA = 1,
    ISP_KE = 4,
    ISP_ID = 5,
    ISP_CERT = 6,
    ISP_CERTREQ = 7,
    ISP_HASH = 8,
    ISP_SIG = 9,
    ISP_NONCE = 10,
    ISP_NOTIFY = 11,
    ISP_DELETE = 12,
    ISP_VENDOR = 13,
    ISP_NATD_07 = 15, /* drafts 4 to 8 */
    ISP_NATOA_07 = 16,
    ISP_NATD = 20,
    ISP_NATOA = 21,
    ISP_NATD_DRAFT = 130,
    ISP_NATOA_DRAFT = 131,
    ISP_FRAGMENT = 132
};

enum isk_protocol { ISPROTO_ISAKMP = 1, ISPROTO_AH = 2, ISPROTO_ESP = 3 };

/* Attributes of phase 1, RFC 2409 appendix A. */
enum isk_attr1 {
    ISA_ENCR = 1,
    ISA_HASH = 2,
    ISA_AUTH = 3,
    ISA_GROUP = 4,
    ISA_LIFE_TYPE = 11,
    ISA_LIFE = 12,
    ISA_KEY_LENGTH = 14
};
/* Attributes of phase 2, RFC 2407 §4.5. */
enum isk_attr2 {
    ISB_LIFE_TYPE = 1,
    ISB_LIFE = 2,
    ISB_GROUP = 3,
    ISB_MODE = 4,
    ISB_AUTH = 5,
    ISB_KEY_LENGTH = 6
};
enum isk_life_type { ISL_SECONDS = 1, ISL_KBYTES = 2 };
#define ISK_AUTH_PSK       1
#define ISK_TRANSFORM_IKE  1 /* KEY_IKE, RFC 2407 §4.4.2 */
#define ISK_MODE_UDP       2 /* added to tunnel 1 and transport 2, RFC 3947 §5.1 */
#define ISK_MODE_UDP_DRAFT 61442

/* ID types, RFC 2407 §4.6.2. */
enum isk_id_type {
    ISID_IPV4 = 1,
    ISID_FQDN = 2,
    ISID_USER_FQDN = 3,
    ISID_IPV4_SUBNET = 4,
    ISID_IPV6 = 5,
    ISID_IPV6_SUBNET = 6,
    ISID_IPV4_RANGE = 7,
    ISID_IPV6_RANGE = 8,
    ISID_DN = 9,
    ISID_KEY = 11
};

/* Notify messages, RFC 2408 §3.14.1, RFC 2407 §4.6.3, RFC 3706 §5. */
enum isk_notify {
    ISN_INVALID_PAYLOAD_TYPE = 1,
    ISN_INVALID_COOKIE = 4,
    ISN_INVALID_SPI = 11,
    ISN_NO_PROPOSAL_CHOSEN = 14,
    ISN_BAD_PROPOSAL_SYNTAX = 15,
    ISN_PAYLOAD_MALFORMED = 16,
    ISN_INVALID_KEY_INFORMATION = 17,
    ISN_INVALID_ID_INFORMATION = 18,
    ISN_AUTHENTICATION_FAILED = 24,
    ISN_ERROR_LIMIT = 16384,
    ISN_RESPONDER_LIFETIME = 24576,
    ISN_REPLAY_STATUS = 24577,
    ISN_INITIAL_CONTACT = 24578,
    ISN_R_U_THERE = 36136,
    ISN_R_U_THERE_ACK = 36137
};

#define ISK_NONCE_MIN 8 /* RFC 2409 §5 */

#endif
