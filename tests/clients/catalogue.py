"""Reads the public catalogue of a research gateway as other catalogues do.

    catalogue.py ADDRESS

Fetches it as Turtle and as JSON-LD, without a token; holds one against the other and both against
`catalogue.shapes.ttl`; and prints what it found as JSON. Anything wrong ends it with an error.
"""

import json
import pathlib
import sys
import urllib.request

import pyshacl
import rdflib
from rdflib import DCAT, DCTERMS, RDF
from rdflib.compare import isomorphic

FORMS = {"text/turtle": "turtle", "application/ld+json": "json-ld"}
SHAPES = pathlib.Path(__file__).with_name("catalogue.shapes.ttl")

VARIABLES = """
PREFIX csvw: <http://www.w3.org/ns/csvw#>
PREFIX health: <http://healthdataportal.eu/ns/health#>
SELECT ?dataset ?name ?datatype WHERE {
    ?dataset health:hasVariables/csvw:table/csvw:tableSchema/csvw:column ?column .
    ?column csvw:name ?name ; csvw:datatype ?datatype .
}
"""


def fetched(address: str, media_type: str) -> rdflib.Graph:
    """The catalogue in one form, from a server that may be on loopback only."""
    request = urllib.request.Request(address, headers={"Accept": media_type})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=30) as response:
        assert response.headers.get_content_type() == media_type, response.headers
        return rdflib.Graph().parse(data=response.read(), format=FORMS[media_type])


def conforms(data: rdflib.Graph, shapes: rdflib.Graph) -> tuple[bool, str]:
    """Whether the shapes find nothing wrong, and what they find."""
    found, _, words = pyshacl.validate(data, shacl_graph=shapes, inference="none")
    return found, words


def each_shape_can_fail(data: rdflib.Graph, shapes: rdflib.Graph) -> int:
    """Takes each property that a shape demands from one thing, which must be noticed."""
    sh = rdflib.Namespace("http://www.w3.org/ns/shacl#")
    tried = 0
    for shape, target in shapes.subject_objects(sh.targetClass):
        for demanded in shapes.objects(shape, sh.property):
            path = shapes.value(demanded, sh.path)
            least = shapes.value(demanded, sh.minCount)
            if not isinstance(path, rdflib.URIRef) or least is None:
                continue
            broken = rdflib.Graph()
            for triple in data:
                broken.add(triple)
            subject = min(broken.subjects(RDF.type, target))
            broken.remove((subject, path, None))
            assert not conforms(broken, shapes)[0], f"{subject} may lack {path}"
            tried += 1
    return tried


def main() -> None:
    """Everything."""
    turtle, json_ld = (fetched(sys.argv[1], media_type) for media_type in FORMS)
    assert isomorphic(turtle, json_ld), "the two forms say different things"
    shapes = rdflib.Graph().parse(SHAPES)
    for graph in (turtle, json_ld):
        good, words = conforms(graph, shapes)
        assert good, words
    datasets = {
        str(dataset): str(turtle.value(dataset, DCTERMS.publisher))
        for dataset in turtle.subjects(RDF.type, DCAT.Dataset)
    }
    variables: dict[str, dict[str, str]] = {}
    for dataset, name, datatype in turtle.query(VARIABLES):
        variables.setdefault(str(dataset), {})[str(name)] = str(datatype)
    found = {
        "triples": len(turtle),
        "datasets": datasets,
        "variables": variables,
        "demands_seen_to_fail": each_shape_can_fail(turtle, shapes),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
