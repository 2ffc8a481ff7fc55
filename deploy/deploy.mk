# Demo and installation.

.PHONY: demo install uninstall
demo: ## the main job for real, in network namespaces (root)
	@deploy/install-deps
	@$(MAKE) --no-print-directory -s -j$(shell nproc) all $(RIG)
	@$(PYTHON) deploy/demo/demo.py

install: all man ## install programs, man pages, unit and examples under PREFIX (DESTDIR)
	install -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/bin $(DESTDIR)/etc/muster/vips.d
	install -m 755 $(BUILD)/musterd $(BUILD)/muster-prober $(DESTDIR)$(PREFIX)/sbin
	install -m 755 $(BUILD)/muster $(BUILD)/muster-decap $(DESTDIR)$(PREFIX)/bin
	install -d $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/man/man8
	install -m 644 $(BUILD)/man/*.1 $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 644 $(BUILD)/man/*.8 $(DESTDIR)$(PREFIX)/share/man/man8
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system $(DESTDIR)$(PREFIX)/lib/sysusers.d
	sed 's|/usr/sbin|$(PREFIX)/sbin|' deploy/systemd/musterd.service > \
		$(DESTDIR)$(PREFIX)/lib/systemd/system/musterd.service
	install -m 644 deploy/systemd/muster.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/muster.conf
	[ -e $(DESTDIR)/etc/muster/musterd.yaml ] || \
		install -m 644 deploy/examples/musterd.yaml $(DESTDIR)/etc/muster/musterd.yaml

uninstall: ## remove what install put there (not /etc/muster)
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/sbin/,musterd muster-prober)
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/bin/,muster muster-decap)
	rm -f $(DESTDIR)$(PREFIX)/share/man/man1/muster.1 $(DESTDIR)$(PREFIX)/share/man/man8/muster*.8
	rm -f $(DESTDIR)$(PREFIX)/lib/systemd/system/musterd.service
	rm -f $(DESTDIR)$(PREFIX)/lib/sysusers.d/muster.conf
