// Package systemd tells systemd the state of a program, over the socket of a unit with
// Type=notify: ready, stopping, reloading, alive.
//
// # Usage
//
// Add the notifier first, so that it runs from the first start to the last stop:
//
//	host.Add("systemd", systemd.New(host))
//
// and in the unit file
//
//	[Service]
//	Type=notify-reload
//	WatchdogSec=30
//	TimeoutStopSec=90
//
// Type=notify-reload needs systemd 253. Before that, write Type=notify and
// ExecReload=/bin/kill -HUP $MAINPID, which works with any.
//
// Without NOTIFY_SOCKET in the environment, outside systemd, the notifier does nothing.
//
// # Guarantees
//
//  1. READY=1 is sent once, when every service has started, and after a reload.
//  2. STOPPING=1 is sent once, when a stop is requested.
//  3. RELOADING=1 is sent with MONOTONIC_USEC, as Type=notify-reload requires.
//  4. WATCHDOG=1 is sent at half of WatchdogSec while the host is live. If the host is
//     not live, systemd gets no message and restarts the program.
//  5. During a long stop, EXTEND_TIMEOUT_USEC keeps systemd from killing what the budget
//     of the host still allows.
//
// A message that cannot be sent is logged and changes nothing else. The manual page
// sd_notify(3) explains the messages.
//
// # Cost
//
// One goroutine, and none outside systemd.
package systemd
