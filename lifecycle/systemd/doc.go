// Package systemd tells systemd how a program is doing, over the socket that a
// unit with Type=notify gets: ready, stopping, reloading, still alive.
//
// # Usage
//
// Add it first, so that it is there from the first start to the last stop:
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
// Outside systemd, without NOTIFY_SOCKET in the environment, it does nothing.
//
// # Guarantees
//
//  1. READY=1 is sent once, when every service has started, and after a reload.
//  2. STOPPING=1 is sent once, the moment a stop is asked for.
//  3. RELOADING=1 goes with MONOTONIC_USEC, as Type=notify-reload demands.
//  4. WATCHDOG=1 is sent at half of WatchdogSec while the host is live, and not
//     when it is not: then systemd restarts the program.
//  5. While a stop takes long, EXTEND_TIMEOUT_USEC keeps systemd from killing
//     what the host's own budget still allows.
//
// A message that cannot be sent is logged and changes nothing else. What the
// messages mean is in the manual page sd_notify(3).
//
// # Cost
//
// One goroutine, and none outside systemd.
package systemd
