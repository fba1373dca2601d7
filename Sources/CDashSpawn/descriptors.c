#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include "CDashSpawn.h"
#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

// Moves descriptors to 10 and above, off the numbers a child gets: dup2 onto itself would keep close-on-exec.
static int moved_up(int ends[2]) {
    for (int i = 0; i < 2; i++) {
        if (ends[i] >= 10) continue;
        int high = fcntl(ends[i], F_DUPFD_CLOEXEC, 10);
        if (high < 0) {
            int failed = errno;
            close(ends[0]);
            close(ends[1]);
            return failed;
        }
        close(ends[i]);
        ends[i] = high;
    }
    return 0;
}

int dash_socket_pair(int ends[2]) {
    int failed = platform_socket_pair(ends);
    return failed ? failed : moved_up(ends);
}

int dash_pipe(int ends[2]) {
    int failed = platform_pipe(ends);
    return failed ? failed : moved_up(ends);
}

void dash_set_nonblocking(int descriptor) { fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK); }

ssize_t dash_read_until_stopped(int descriptor, int stop, void *buffer, size_t size) {
    for (;;) {
        ssize_t count = read(descriptor, buffer, size); // First, so that no data is left when `stop` closes.
        if (count >= 0) return count;
        if (errno != EAGAIN && errno != EINTR) return -2;
        struct pollfd wanted[2] = {{.fd = descriptor, .events = POLLIN}, {.fd = stop, .events = POLLIN}};
        if (poll(wanted, 2, -1) < 0) continue;
        if (wanted[1].revents && !wanted[0].revents) return -1;
    }
}

bool dash_read_all(int descriptor, void *buffer, size_t size) {
    for (char *at = buffer; size > 0;) {
        ssize_t count = read(descriptor, at, size);
        if (count == 0 || (count < 0 && errno != EINTR)) return false;
        if (count < 0) continue;
        at += count;
        size -= (size_t)count;
    }
    return true;
}

ssize_t dash_read_some(int descriptor, void *buffer, size_t size) {
    struct pollfd place = {.fd = descriptor, .events = POLLIN};
    for (;;) {
        // A blocking read() would also wake up when the peer reads what was written here.
        if (poll(&place, 1, -1) < 0 && errno != EINTR) return -1;
        ssize_t count = read(descriptor, buffer, size);
        if (count >= 0 || (errno != EINTR && errno != EAGAIN)) return count;
    }
}

bool dash_write_all(int descriptor, const void *buffer, size_t size) {
    for (const char *at = buffer; size > 0;) {
        ssize_t count = write(descriptor, at, size);
        if (count < 0 && errno != EINTR) return false;
        if (count < 0) continue;
        at += count;
        size -= (size_t)count;
    }
    return true;
}

void dash_flush_output(void) { fflush(NULL); }
