# Each command is an alias of `python tools/book.py COMMAND`, which also runs where make does not.
PYTHON ?= python3
.PHONY: setup book test serve lab run experiments diff status bench audit print links numbers doctor lock clean
setup book test serve lab diff status bench audit print links numbers doctor lock clean:
	@$(PYTHON) tools/book.py $@
run:
	@$(PYTHON) tools/book.py run $(CHAPTER)
experiments:
	@$(PYTHON) tools/book.py experiments $(NAME)
