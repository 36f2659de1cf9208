/* Packet information. See pktinfo.h. */
#include "lib/pktinfo.h"
#include <string.h>

struct addr pktinfo_to(struct msghdr *m)
{
    struct addr a = {0};
    for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h; h = CMSG_NXTHDR(m, h)) {
        if (h->cmsg_level == IPPROTO_IP && h->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(h), sizeof(info));
            a.family = AF_INET;
            memcpy(a.b, &info.ipi_addr, 4);
        } else if (h->cmsg_level == IPPROTO_IPV6 && h->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(h), sizeof(info));
            a.family = AF_INET6;
            memcpy(a.b, &info.ipi6_addr, 16);
        }
    }
    return a;
}

uint32_t pktinfo_ifindex(struct msghdr *m)
{
    uint32_t ifindex = 0;
    for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h; h = CMSG_NXTHDR(m, h)) {
        if (h->cmsg_level == IPPROTO_IP && h->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(h), sizeof(info));
            ifindex = (uint32_t)info.ipi_ifindex;
        } else if (h->cmsg_level == IPPROTO_IPV6 && h->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(h), sizeof(info));
            ifindex = (uint32_t)info.ipi6_ifindex;
        }
    }
    return ifindex;
}

static void put(struct msghdr *m, union pktinfo *ctl, int level, int type, const void *info,
                size_t len)
{
    m->msg_control = ctl->room;
    m->msg_controllen = CMSG_SPACE(len);
    struct cmsghdr *h = CMSG_FIRSTHDR(m);
    h->cmsg_level = level;
    h->cmsg_type = type;
    h->cmsg_len = CMSG_LEN(len);
    memcpy(CMSG_DATA(h), info, len);
}

void pktinfo_from(struct msghdr *m, union pktinfo *ctl, const struct addr *a)
{
    struct in_pktinfo v4 = {0};
    struct in6_pktinfo v6 = {0};
    memset(ctl, 0, sizeof(*ctl));
    if (a->family == AF_INET6) {
        memcpy(&v6.ipi6_addr, a->b, 16);
        put(m, ctl, IPPROTO_IPV6, IPV6_PKTINFO, &v6, sizeof(v6));
    } else {
        memcpy(&v4.ipi_spec_dst, a->b, 4);
        put(m, ctl, IPPROTO_IP, IP_PKTINFO, &v4, sizeof(v4));
    }
}
