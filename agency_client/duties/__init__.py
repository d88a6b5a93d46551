"""Duties of Directive (EU) 2016/680 as the client keeps them; which article is kept where stands in docs/duties.md."""
