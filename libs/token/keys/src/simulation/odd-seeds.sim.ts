import { itKeepsInvariants } from './keeps-invariants.fixture.ts';

itKeepsInvariants(1);
