import { xml } from '@xmpp/client';
import type { BrokerPlace, HostileMessage } from '../../../conformance-tests/index.ts';
import type { Person } from './person.ts';

type Element = ReturnType<typeof xml>;

/** Messages that mean harm, as anybody in the room can send them. */
export function hostileMessages(
  join: (place: BrokerPlace) => Promise<Person>,
): readonly HostileMessage[] {
  const message = (name: string, ...children: readonly Element[]): HostileMessage => ({
    name,
    async send(place) {
      const person = await join(place);
      await person.sends(xml('message', { type: 'groupchat', id: '__proto__' }, ...children));
      await person.leaves();
    },
  });
  return [
    message('a frame with letters that no frame has', json('{"v":1,"t":"\u00e9"}')),
    message('a frame of several lines', json('{\n\t"v": 1\n}')),
    message('a frame of 100,000 characters', json('x'.repeat(100_000))),
    message('200,000 quotation marks', body(`"'`.repeat(100_000))),
    message('two frames in one message', json('first of two'), json('second of two')),
    message('a frame that holds elements', xml('json', { xmlns: JSON_NS }, 'a', xml('b'), 'c')),
    message('a frame and a body that contradicts it', json('the frame'), body('the body')),
    message('half a frame', body('{"v":1,"ns":"shop","t":"inv","o":"')),
    message('the end of the stream', body('</body></message></stream:stream>')),
    message('the envelope of another namespace', xml('json', { xmlns: 'urn:other' }), body('x')),
    message('2,000 elements inside each other', nested(2_000), body('deep')),
    message('a body in many languages', ...['de', 'fr', 'he'].map((lang) => body(lang, lang))),
    message(
      'a time that is none',
      xml('delay', { xmlns: 'urn:xmpp:delay', stamp: 'x' }),
      body('x'),
    ),
    message('a body and a subject', xml('subject', {}, 'topic'), body('about the topic')),
    message('text that reads right to left', body('\u202E\u2066evil\u2069\u202C')),
  ];
}

const JSON_NS = 'urn:xmpp:json:0';

function json(text: string): Element {
  return xml('json', { xmlns: JSON_NS }, text);
}

function body(text: string, lang?: string): Element {
  return xml('body', lang === undefined ? {} : { 'xml:lang': lang }, text);
}

function nested(depth: number): Element {
  let element = xml('deep', { xmlns: 'urn:deep' });
  for (let level = 1; level < depth; level += 1) element = xml('deep', {}, element);
  return element;
}
