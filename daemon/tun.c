/* TUN devices. See tun.h. */
#include "daemon/tun.h"
#include "lib/str.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

int tun_open(const char *name)
{
    struct ifreq ifr = {.ifr_flags = (short)(IFF_TUN | IFF_NO_PI | IFF_VNET_HDR | IFF_TUN_EXCL)};
    int hdr = TUN_VNET_HDR;
    if (!str_copy(ifr.ifr_name, sizeof(ifr.ifr_name), name))
        return -ENAMETOOLONG;
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    if (ioctl(fd, TUNSETIFF, &ifr) < 0 || ioctl(fd, TUNSETVNETHDRSZ, &hdr) < 0 ||
        ioctl(fd, TUNSETOFFLOAD, 0L) < 0) {
        int err = -errno;
        close(fd);
        return err;
    }
    return fd;
}

int sysctl_net_write(const char *path, const char *value)
{
    char full[128];
    if (snprintf(full, sizeof(full), "/proc/sys/net/%s", path) >= (int)sizeof(full))
        return -ENAMETOOLONG;
    int fd = open(full, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t n = write(fd, value, strlen(value));
    int err = n < 0 ? -errno : 0;
    close(fd);
    return err;
}

int sysctl_net_read(const char *path, char *value, size_t cap)
{
    char full[128];
    if (snprintf(full, sizeof(full), "/proc/sys/net/%s", path) >= (int)sizeof(full))
        return -ENAMETOOLONG;
    int fd = open(full, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t n = read(fd, value, cap - 1);
    int err = n < 0 ? -errno : 0;
    close(fd);
    value[n > 0 ? n : 0] = '\0';
    value[strcspn(value, "\n")] = '\0';
    return err;
}

int tun_tame(const char *name)
{
    static const struct {
        const char *path, *key, *value;
        bool may_lack;
    } set[] = {
        /* No address of the link, no solicitations: packets that no policy asked for. */
        {"ipv6/conf", "addr_gen_mode", "1", true},
        {"ipv6/conf", "accept_ra", "0", true},
        {"ipv6/conf", "disable_ipv6", "0", true},
        /* Decrypted packets come from addresses that are routed elsewhere; a bypassed packet of
         * the box itself comes back with a source of its own. */
        {"ipv4/conf", "rp_filter", "0", false},
        {"ipv4/conf", "accept_local", "1", false},
        {"ipv4/conf", "send_redirects", "0", false},
    };
    int err = 0;
    for (size_t i = 0; i < sizeof(set) / sizeof(set[0]); i++) {
        char path[96];
        snprintf(path, sizeof(path), "%s/%s/%s", set[i].path, name, set[i].key);
        int e = sysctl_net_write(path, set[i].value);
        if (e && !err && !(set[i].may_lack && e == -ENOENT))
            err = e;
    }
    return err;
}
