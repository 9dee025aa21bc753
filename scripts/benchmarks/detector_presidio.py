"""Presidio's analyzer with its patterns alone, for `privacy.py`: no model, a blank spaCy, no network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import version

from detector_loop import Spans, serve


def load() -> tuple[Callable[[str], Spans], Sequence[str]]:
    import spacy
    import tldextract
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import SpacyNlpEngine

    class BlankEngine(SpacyNlpEngine):
        """Words only: names need a model, which this comparison leaves out."""

        def __init__(self) -> None:
            super().__init__()
            self.nlp = {"en": spacy.blank("en")}

    tldextract.extract = tldextract.TLDExtract(suffix_list_urls=())
    engine = BlankEngine()
    registry = RecognizerRegistry()
    registry.load_predefined_recognizers(nlp_engine=engine, languages=["en"])
    registry.remove_recognizer("SpacyRecognizer")
    analyzer = AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=["en"])

    def find(text: str) -> Spans:
        return [
            (one.start, one.end, one.entity_type, float(one.score))
            for one in analyzer.analyze(text=text, language="en")
        ]

    return find, [f"presidio-analyzer {version('presidio-analyzer')}, patterns"]


if __name__ == "__main__":
    serve(load)
