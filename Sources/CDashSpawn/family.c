// Kills the processes that a worker started, including those with their own process group.
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include "CDashSpawn.h"

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#if defined(__linux__)

#include <dirent.h>
#include <sys/syscall.h>

// Kills a process if it belongs to the session. A pidfd ensures that the pid is not reused in between.
static bool kill_member(pid_t pid, pid_t session) {
    if (getsid(pid) != session) return false;
    int process = (int)syscall(SYS_pidfd_open, pid, 0);
    bool killed = false;
    if (process >= 0) {
        if (getsid(pid) == session) killed = syscall(SYS_pidfd_send_signal, process, SIGKILL, NULL, 0) == 0;
        close(process);
    }
    return killed;
}

static int kill_members(pid_t session) {
    DIR *processes = opendir("/proc");
    if (!processes) return 0;
    int killed = 0;
    for (struct dirent *entry; (entry = readdir(processes));) {
        pid_t pid = (pid_t)atoi(entry->d_name);
        if (pid > 0 && pid != session && pid != getpid() && kill_member(pid, session)) killed++;
    }
    closedir(processes);
    return killed;
}

void dash_kill_session(pid_t session) {
    // A process may fork during the scan; a killed one is found again until it is reaped.
    for (int pass = 0; pass < 8 && kill_members(session) > 0; pass++) {}
}

#else

void dash_kill_session(pid_t session) { (void)session; } // macOS has no cheap list of processes; the group is killed.

#endif
