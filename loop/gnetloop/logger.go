package gnetloop

import (
	"fmt"
	"log/slog"
	"sync/atomic"
)

// logger is what gnet logs with. That the listeners fail when the server stops
// is how it is told to, and no error.
type logger struct {
	log     *slog.Logger
	planned *atomic.Bool
}

func (l logger) Debugf(format string, args ...any) {
	l.log.Debug("gnet: " + fmt.Sprintf(format, args...))
}
func (l logger) Infof(format string, args ...any) { l.Debugf(format, args...) }
func (l logger) Warnf(format string, args ...any) {
	l.log.Warn("gnet: " + fmt.Sprintf(format, args...))
}

func (l logger) Errorf(format string, args ...any) {
	if l.planned.Load() {
		l.Debugf(format, args...)
		return
	}
	l.log.Error("gnet: " + fmt.Sprintf(format, args...))
}

// Fatalf is not to end the process: Serve reports what has happened.
func (l logger) Fatalf(format string, args ...any) { l.Errorf(format, args...) }
