package browsertest

import (
	"testing"

	"github.com/valet-go/valet/cmd/internal/natsd"
	"github.com/valet-go/valet/cmd/internal/private"
)

func TestTwoProcessesAreOneChat(t *testing.T) {
	t.Parallel()
	browser := open(t)
	_, _, flags := databases(t)
	for _, broker := range []struct {
		name  string
		start func(t *testing.T) (url string)
	}{
		{"NATS", func(t *testing.T) string {
			n, err := natsd.Start(nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(n.Close)
			return "nats://" + n.Addr()
		}},
		{"Redis", func(t *testing.T) string { return "redis://" + private.RequireRedis(t).Addr() }},
	} {
		t.Run("over "+broker.name, func(t *testing.T) {
			bus := broker.start(t)
			here, there := launch(t, append(flags, "-bus", bus)...), launch(t, append(flags, "-bus", bus)...)
			ada, grace := visit(t, browser, here()), visit(t, browser, there())
			ada.enter("Ada", broker.name)
			grace.enter("Grace", broker.name)
			for _, p := range []*tab{ada, grace} {
				p.is(people, []string{"Ada", "Grace"})
			}
			var all []string
			for _, s := range []struct {
				by   *tab
				text string
			}{{ada, "one"}, {grace, "two"}, {grace, "three"}, {ada, "four"}} {
				s.by.say(s.text)
				all = append(all, s.text)
				for _, p := range []*tab{ada, grace} {
					p.sees(all...)
				}
			}
			grace.do(eval(`document.getElementById("leave").click()`))
			ada.is(people, []string{"Ada"})
		})
	}
}
