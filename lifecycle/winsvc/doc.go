// Package winsvc runs a host under the service manager of Windows, as package
// systemd does for systemd.
//
// # Usage
//
// Call [Main] where a program calls hosted.Main:
//
//	winsvc.Main(host, winsvc.EventLog("shop"))
//
// Under the service manager the host runs as a service. On a terminal, and on every
// other system, the call is hosted.Main. Install the program with
// sc.exe create shop binPath= C:\shop\shop.exe, or as examples/winsvc does.
//
// A service has no terminal: its standard error is lost and its working directory is
// that of the system. Name files by absolute paths, and give the host a Logger or use
// [EventLog].
//
// # Guarantees
//
//  1. The service is start pending until every service of the host has started. Its
//     checkpoint rises each second, so the manager waits for a long start.
//  2. A stop and a shutdown of the system begin the host's stop, with its budget. The
//     service is stop pending meanwhile. Its checkpoint rises each second, and its wait
//     hint is what is left of the budget and 10 s more.
//  3. The service ends with exit code 0 after a clean stop, and otherwise with the
//     service-specific code 1; see hosted.Report.Clean. So failure actions are taken if
//     the service is configured with them for non-crash failures.
//  4. sc.exe control NAME paramchange reloads the host, as SIGHUP does elsewhere.
//  5. A user who logs off does not end the service.
//
// # Shutdown
//
// Windows bounds what a service may take when the system shuts down, whatever its wait
// hint says: 10 s by default since Windows 10, version 1703, and three minutes before. The
// package accepts the preshutdown control, for which this holds; a service that accepts
// only the shutdown control has 5 s. Set the host's ShutdownTimeout below the bound, or
// raise the bound with SERVICE_CONFIG_PRESHUTDOWN_INFO, as examples/winsvc does.
//
// # Cost
//
// One goroutine and a timer under the service manager, and nothing otherwise.
package winsvc
