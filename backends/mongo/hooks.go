package mongo

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/event"

	"github.com/valet-go/valet/loop"
)

// The driver calls its monitors on goroutines of its own. These make them run
// on an executor, after the fact: in the order of the events of one operation,
// connection or server. What comes when the executor is closed is lost.

// CommandMonitorOn returns a monitor that runs m's functions on exec, for
// [options.ClientOptions.SetMonitor].
func CommandMonitorOn(exec loop.Executor, m *event.CommandMonitor) *event.CommandMonitor {
	return &event.CommandMonitor{
		Started:   contextOn(exec, m.Started),
		Succeeded: contextOn(exec, m.Succeeded),
		Failed:    contextOn(exec, m.Failed),
	}
}

// PoolMonitorOn returns a monitor that runs m's function on exec, for
// [options.ClientOptions.SetPoolMonitor].
func PoolMonitorOn(exec loop.Executor, m *event.PoolMonitor) *event.PoolMonitor {
	return &event.PoolMonitor{Event: eventOn(exec, m.Event)}
}

// ServerMonitorOn returns a monitor that runs m's functions on exec, for
// [options.ClientOptions.SetServerMonitor].
func ServerMonitorOn(exec loop.Executor, m *event.ServerMonitor) *event.ServerMonitor {
	return &event.ServerMonitor{
		ServerDescriptionChanged:   eventOn(exec, m.ServerDescriptionChanged),
		ServerOpening:              eventOn(exec, m.ServerOpening),
		ServerClosed:               eventOn(exec, m.ServerClosed),
		TopologyDescriptionChanged: eventOn(exec, m.TopologyDescriptionChanged),
		TopologyOpening:            eventOn(exec, m.TopologyOpening),
		TopologyClosed:             eventOn(exec, m.TopologyClosed),
		ServerHeartbeatStarted:     eventOn(exec, m.ServerHeartbeatStarted),
		ServerHeartbeatSucceeded:   eventOn(exec, m.ServerHeartbeatSucceeded),
		ServerHeartbeatFailed:      eventOn(exec, m.ServerHeartbeatFailed),
	}
}

func eventOn[E any](exec loop.Executor, f func(*E)) func(*E) {
	if f == nil {
		return nil
	}
	return func(e *E) { _ = exec.Post(func() { f(e) }) }
}

func contextOn[E any](exec loop.Executor, f func(context.Context, *E)) func(context.Context, *E) {
	if f == nil {
		return nil
	}
	return func(ctx context.Context, e *E) { _ = exec.Post(func() { f(ctx, e) }) }
}
